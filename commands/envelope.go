package commands

import (
	"strings"
	"time"
	"unicode"

	"github.com/rosterhq/roster/events"
)

// envelope is what all events of one command share.
type envelope struct {
	source        string
	actor         string
	commandID     string
	requestHash   string // "" without an idempotency key
	correlationID string
	dialect       string
	reason        string
	client        string
	now           time.Time
}

func (s *Service) envelope(r Request) envelope {
	e := envelope{
		source: events.SourceRoster, actor: r.Actor.UserID, correlationID: header(r.CorrelationID), dialect: header(r.Dialect),
		reason: header(r.Reason), client: header(r.IP), now: s.now(),
	}
	if r.IdempotencyKey == "" {
		e.commandID = s.newID()
		return e
	}
	e.commandID = s.log.KeyedHash("command", r.Actor.UserID+"\x00"+r.IdempotencyKey)
	// Keyed, since it lies in the log in clear and what it is a hash of may hold a
	// password.
	e.requestHash = s.log.KeyedHash("request", r.RequestHash)
	return e
}

// keyed says whether the command came with an idempotency key.
func (e envelope) keyed() bool { return e.requestHash != "" }

// header makes a text fit for a message's header.
func header(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(cut(s, 200))
}

// cut shortens a valid text to at most n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// meta is the envelope of one event of a command.
func (s *Service) meta(env envelope, a events.Aggregate, p events.Payload) events.Meta {
	m := events.Meta{
		ID: s.newID(), Type: p.EventType(), Source: env.source, Time: env.now, Aggregate: a,
		Actor: env.actor, CommandID: env.commandID, RequestHash: env.requestHash,
		CorrelationID: env.correlationID, Dialect: env.dialect, Reason: env.reason, Client: env.client,
	}
	if m.Actor == "" { // who registers first, or signs in, acts as themselves
		m.Actor = a.ID
	}
	switch {
	case m.Actor != SystemActor:
	case a.Kind == events.User: // the installation acts for whoever is concerned
		m.ClientOf = a.ID
	default:
		m.Client = "" // nobody's, so that it could not be sealed
	}
	if a.Kind == events.User && events.PrivatePart(p) != nil {
		m.SealedFor = a.ID
	}
	return m
}
