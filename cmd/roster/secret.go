package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxSecret bounds what is read as a password or token, in bytes.
const maxSecret = 64 << 10

// readSecret reads a password or token: from the terminal where somebody sits there,
// else the first line of standard input. Never from the arguments, which others on
// the machine can read.
func readSecret(ctx context.Context, o outputs, question, what string) (string, error) {
	var text string
	switch {
	case o.secret != nil:
		var err error
		if text, err = o.secret(ctx, question); err != nil {
			return "", err
		}
	case o.in != nil:
		line, err := bufio.NewReader(io.LimitReader(o.in, maxSecret)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		text = strings.TrimRight(line, "\r\n")
	}
	if text == "" {
		return "", usageError{fmt.Errorf("no %s: type it at the terminal, or send it to standard input", what)}
	}
	return text, nil
}
