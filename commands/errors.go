package commands

import (
	"errors"
	"fmt"
)

// Code is the closed set of reasons for which a command is refused.
type Code string

// The codes. Whatever else happens is internal: logged whole, told to nobody.
const (
	NotFound        Code = "not-found"
	Conflict        Code = "conflict"        // something with this name exists, or too many writers raced
	Invalid         Code = "invalid"         // Fields says what
	Forbidden       Code = "forbidden"       // the policy table denies it
	Precondition    Code = "precondition"    // the state does not allow it (Reason: "last-owner", "suspended", ...)
	Unauthenticated Code = "unauthenticated" // wrong credentials (Reason: "credentials", "suspended", "unconfirmed", "login-type")
	KeyReused       Code = "idempotency-key-reused"
	Unavailable     Code = "unavailable" // try again later
	TooLarge        Code = "too-large"
)

// Error is a refusal. Nothing was changed.
type Error struct {
	Code    Code
	Reason  string // a fixed word that dialects map to their texts; may be empty
	Message string // for people, in English, without secrets
	Fields  []FieldError
}

// FieldError says what is wrong with one member of a command.
type FieldError struct {
	Field  string // the own API's name of the member: "username", "firstName"
	Rule   string // "required", "too-long", "format", "taken", "unknown", "type", "weak", "wrong"
	Detail string // for people
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Fields) > 0 {
		return fmt.Sprintf("%s: %s (%s: %s)", e.Code, e.Message, e.Fields[0].Field, e.Fields[0].Detail)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// AsError returns the refusal in err, if it is one.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// CodeOf returns the code of a refusal, or "" for any other error.
func CodeOf(err error) Code {
	if e, ok := AsError(err); ok {
		return e.Code
	}
	return ""
}
