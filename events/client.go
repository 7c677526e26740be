package events

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// client is what the envelope keeps of where a command came from. It is personal
// data of who asked, and lies in the log sealed, under that person's key: not
// under the key of the user whom the event is about.
type client struct {
	Address string `json:"address"`
}

// ClientOwner is the user under whose key the client lies; empty when the event
// has none.
func (m *Meta) ClientOwner() string {
	switch {
	case m.Client == "" && m.SealedClient == "":
		return ""
	case m.ClientOf != "":
		return m.ClientOf
	default:
		return m.Actor
	}
}

// SealClient makes the sealed form of the client that a message carries.
func (m *Meta) SealClient(key *DataKey) error {
	plain, err := json.Marshal(client{Address: m.Client})
	if err != nil {
		return fmt.Errorf("seal client of %s: %w", m.ID, err)
	}
	m.SealedClient = base64.StdEncoding.EncodeToString(key.Seal(plain, m.clientAssociated()))
	return nil
}

// OpenClient sets Client from its sealed form. An event without one stays as it is.
func (m *Meta) OpenClient(key *DataKey) error {
	if m.SealedClient == "" {
		return nil
	}
	box, err := base64.StdEncoding.DecodeString(m.SealedClient)
	if err != nil {
		return fmt.Errorf("%w: client of %s: %w", ErrMalformed, m.ID, err)
	}
	plain, err := key.Open(box, m.clientAssociated())
	if err != nil {
		return fmt.Errorf("%w: client of %s: %w", ErrMalformed, m.ID, err)
	}
	var c client
	if err := json.Unmarshal(plain, &c); err != nil {
		return fmt.Errorf("%w: client of %s: %w", ErrMalformed, m.ID, err)
	}
	m.Client = c.Address
	return nil
}

// clientAssociated binds the client to its event, and keeps it apart from the
// event's private part.
func (m *Meta) clientAssociated() []byte { return append(associated(m), "\nclient"...) }
