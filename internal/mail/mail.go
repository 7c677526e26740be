// Package mail sends the few messages that Roster writes to people.
package mail

import "context"

// Message is a plain text to one person.
type Message struct {
	To      string // an address, without a name
	Subject string
	Text    string
}

// Mailer sends messages. It is safe for concurrent use.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}
