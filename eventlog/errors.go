package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/vault"
	"github.com/rosterhq/roster/events"
)

// Errors beside those of package events.
var (
	// ErrWrongMasterKey says at Open that the installation's keys were wrapped
	// with another master key.
	ErrWrongMasterKey = vault.ErrWrongMasterKey
	// ErrNoKey says that a user has no data key and never had one.
	ErrNoKey = vault.ErrNoKey
)

// Codes of the server. They are numbers of our own: the client library's names
// for some of them are of other servers. The HTTP-like code beside them says
// nothing (400 for a conflict), and texts change.
const (
	codeWrongLastSequence   jetstream.ErrorCode = 10071 // carries the real one in its text
	codeWrongLastInFlight   jetstream.ErrorCode = 10164 // replicated: another write is in flight
	codeDuplicateInBatch    jetstream.ErrorCode = 10201
	codeMessageTooLarge     jetstream.ErrorCode = 10054
	codeBatchTooLarge       jetstream.ErrorCode = 10199
	codeTooManyBatches      jetstream.ErrorCode = 10210
	codeStreamNameInUse     jetstream.ErrorCode = 10058
	codeNoMessage           jetstream.ErrorCode = 10037
	codeStreamNotFound      jetstream.ErrorCode = 10059
	codeBatchHeaderRefused  jetstream.ErrorCode = 10177
	codeBatchNotEnabled     jetstream.ErrorCode = 10174
	codeStreamSealedOrReadO jetstream.ErrorCode = 10109
)

// errUnknown says that a publish may or may not have been stored. It stays
// inside the package: whoever gets it looks into the log.
var errUnknown = errors.New("outcome unknown")

// classify turns what a publish answered into events.ErrConflict, ErrTooLarge
// or ErrUnavailable (in all three nothing was stored), or into errUnknown.
func classify(err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	switch api.ErrorCode {
	case codeWrongLastSequence, codeWrongLastInFlight, codeDuplicateInBatch:
		return fmt.Errorf("%w: %w", events.ErrConflict, err)
	case codeMessageTooLarge:
		return fmt.Errorf("%w: %w", events.ErrTooLarge, err)
	case codeTooManyBatches, codeBatchTooLarge, codeStreamNotFound,
		codeBatchHeaderRefused, codeBatchNotEnabled, codeStreamSealedOrReadO:
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
}

// refusedGroup says that the server refused a batch because of one of its
// commits, or because of its size: smaller ones may pass.
func refusedGroup(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case codeWrongLastSequence, codeWrongLastInFlight, codeDuplicateInBatch, codeBatchTooLarge, codeMessageTooLarge:
		return true
	default:
		return false
	}
}

// unavailable wraps a failure of the server or of the way to it.
func unavailable(doing string, err error) error {
	if errors.Is(err, events.ErrUnavailable) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, events.ErrUnavailable, err)
}

// transient says that an error comes from the way to the server.
func transient(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, context.DeadlineExceeded)
}
