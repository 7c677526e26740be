package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Problem is a refusal of the server (RFC 9457).
type Problem struct {
	Status     int
	RetryAfter time.Duration // 0: not said
	Code       string        // the server's word for the kind of refusal, where it gives one
	Reason     string        // and for which of that kind it is
	Title      string
	Detail     string
	Fields     []Field
	Accepted   int // activities that were kept before the refusal
}

// Field says what is wrong with one member of a request.
type Field struct {
	Field  string `json:"field"`
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if text == "" {
		text = http.StatusText(p.Status)
	}
	for _, f := range p.Fields {
		text += fmt.Sprintf("; %s: %s", f.Field, f.Detail)
	}
	return fmt.Sprintf("the server answered %d: %s", p.Status, text)
}

// explained is a problem in the words of what was done.
type explained struct {
	text    string
	problem *Problem
}

func (e explained) Error() string { return e.text }

func (e explained) Unwrap() error { return e.problem }

// whyNot puts the commonest refusal into words.
func whyNot(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusUnauthorized {
		return explained{"the server does not accept the token: sign in again, or make a new key", p}
	}
	return err
}

// Concerns says whether the problem names this member of the request.
func (p *Problem) Concerns(field string) bool {
	for _, f := range p.Fields {
		if f.Field == field || strings.HasPrefix(f.Field, field+"[") || strings.HasPrefix(f.Field, field+".") {
			return true
		}
	}
	return false
}

// ConnectionError says that the server could not be reached or did not answer.
// Whether it did what was asked is not known.
type ConnectionError struct {
	Server string
	Err    error
}

// Error implements error.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("no answer from %s: %v", e.Server, e.Err)
}

// Unwrap returns the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// problem reads a refusal; a body that is no problem document is left out.
func (c *Client) problem(res *http.Response, body []byte) *Problem {
	var doc struct {
		Code   string `json:"code"`
		Reason string `json:"reason"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
		// Of the dialect that takes logins.
		Message string  `json:"message"`
		Errors  []Field `json:"errors"`

		Accepted int `json:"accepted"`
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		_ = json.Unmarshal(body, &doc) // the status says enough
	}
	p := &Problem{
		Status:     res.StatusCode,
		RetryAfter: c.retryAfterHeader(res.Header.Get("Retry-After")),
		Code:       doc.Code,
		Reason:     doc.Reason,
		Title:      c.printable(cmp.Or(doc.Title, doc.Message)),
		Detail:     c.printable(doc.Detail),
		Accepted:   max(0, doc.Accepted),
	}
	for _, f := range doc.Errors {
		p.Fields = append(p.Fields, Field{Field: c.printable(f.Field), Rule: c.printable(f.Rule), Detail: c.printable(f.Detail)})
	}
	return p
}

// retryAfterHeader reads both forms, seconds and a date.
func (c *Client) retryAfterHeader(value string) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86_400)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(c.cfg.Now()))
	}
	return 0
}

// printable makes a server's text safe for a terminal: without the token,
// control characters or endless length.
func (c *Client) printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, c.clean.Replace(text))
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "..."
	}
	return text
}
