package events

import (
	"fmt"
	"reflect"
	"slices"
)

// Catalogue knows every released event type: how to decode it and how to bring
// an old version up to the newest one.
type Catalogue struct {
	entries map[Type]entry
}

type entry struct {
	doc     string
	stream  Stream
	decode  func() Payload
	upcast  func(Payload) Payload // nil for the newest version
	current Type                  // the newest version of this type
}

// NewCatalogue returns an empty catalogue. Roster's own is Released.
func NewCatalogue() *Catalogue { return &Catalogue{entries: map[Type]entry{}} }

// Register adds a newest version. It panics on a repeated type: a mistake of
// the programmer, found at the first start.
func Register[T any, P interface {
	*T
	Payload
}](c *Catalogue, stream Stream, doc string) {
	t := P(new(T)).EventType()
	c.add(t, entry{doc: doc, stream: stream, decode: func() Payload { return P(new(T)) }, current: t})
}

// RegisterOld adds a version that is no longer written, with its step to the
// next version, which must be registered already.
func RegisterOld[T any, P interface {
	*T
	Payload
}](c *Catalogue, next Type, doc string, upcast func(P) Payload) {
	n, ok := c.entries[next]
	if !ok {
		panic(fmt.Sprintf("events: next version %s is not registered", next))
	}
	c.add(P(new(T)).EventType(), entry{
		doc: doc, stream: n.stream, current: n.current,
		decode: func() Payload { return P(new(T)) },
		upcast: func(p Payload) Payload { return upcast(p.(P)) },
	})
}

func (c *Catalogue) add(t Type, e entry) {
	if _, ok := c.entries[t]; ok {
		panic(fmt.Sprintf("events: %s registered twice", t))
	}
	c.entries[t] = e
}

// Types lists every known type, old versions included, in order of name.
func (c *Catalogue) Types() []Type {
	out := make([]Type, 0, len(c.entries))
	for t := range c.entries {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// Doc returns the one-sentence description of a type.
func (c *Catalogue) Doc(t Type) string { return c.entries[t].doc }

// Stream returns the stream that holds events of a type.
func (c *Catalogue) Stream(t Type) Stream { return c.entries[t].stream }

// Current returns the newest version of a type, and false for a type that this
// release does not know.
func (c *Catalogue) Current(t Type) (Type, bool) {
	e, ok := c.entries[t]
	return e.current, ok
}

// New returns an empty payload of a type.
func (c *Catalogue) New(t Type) (Payload, error) {
	e, ok := c.entries[t]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownType, t)
	}
	return e.decode(), nil
}

// Decode reads a body and brings it to the newest version. key is nil when the
// event has no private part, or when its data key is erased.
func (c *Catalogue) Decode(m *Meta, data []byte, key *DataKey) (Payload, error) {
	e, ok := c.entries[m.Type]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownType, m.Type)
	}
	p := e.decode()
	if err := decodeInto(m, data, key, p); err != nil {
		return nil, err
	}
	for e.upcast != nil {
		p = e.upcast(p)
		e = c.entries[p.EventType()]
	}
	return p, nil
}

// DecodeInto is Decode into a payload of the newest version.
func (c *Catalogue) DecodeInto(m *Meta, data []byte, key *DataKey, into Payload) error {
	if m.Type == into.EventType() {
		return decodeInto(m, data, key, into)
	}
	p, err := c.Decode(m, data, key)
	if err != nil {
		return err
	}
	if p.EventType() != into.EventType() {
		return fmt.Errorf("decode %s into %s: other type", m.Type, into.EventType())
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(p).Elem())
	return nil
}
