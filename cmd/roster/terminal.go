package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
		o.secret = func(ctx context.Context, question string) (string, error) {
			return askPerson(ctx, question, readHidden)
		}
		o.ask = func(ctx context.Context, question string) (string, error) { return askPerson(ctx, question, readShown) }
	}
	return o
}

func readHidden() (string, error) {
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	return string(text), err
}

func readShown() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxSecret)).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// askPerson reads a line from the terminal. An interruption leaves the terminal as it was.
func askPerson(ctx context.Context, question string, read func() (string, error)) (string, error) {
	in := int(os.Stdin.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	_, _ = fmt.Fprint(os.Stderr, question)
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() { // ends with the process at the latest
		text, err := read()
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		_, _ = fmt.Fprintln(os.Stderr)
		if errors.Is(a.err, io.EOF) {
			return "", errInterrupted
		}
		return a.text, a.err
	case <-ctx.Done():
		_ = term.Restore(in, before)
		_, _ = fmt.Fprintln(os.Stderr)
		return "", errInterrupted
	}
}
