package main

import (
	"os"

	"golang.org/x/term"
)

func terminal() outputs {
	return outputs{
		out: os.Stdout,
		err: os.Stderr,
		bar: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
	}
}
