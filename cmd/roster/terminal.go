package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

func terminal() outputs {
	o := outputs{
		out: os.Stdout,
		err: os.Stderr,
		in:  os.Stdin,
		bar: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		o.secret = askSecret
	}
	return o
}

// askSecret reads a line from the terminal without showing it. An interruption
// leaves the terminal as it was.
func askSecret(ctx context.Context, question string) (string, error) {
	in := int(os.Stdin.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	_, _ = fmt.Fprint(os.Stderr, question)
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() { // ends with the process at the latest
		text, err := term.ReadPassword(in)
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		_, _ = fmt.Fprintln(os.Stderr)
		if errors.Is(a.err, io.EOF) {
			return "", errInterrupted
		}
		return string(a.text), a.err
	case <-ctx.Done():
		_ = term.Restore(in, before)
		_, _ = fmt.Fprintln(os.Stderr)
		return "", errInterrupted
	}
}
