// Package testenv gives tests real servers: PostgreSQL and NATS, on this
// machine alone, without fixed ports and without network.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// A missing PostgreSQL fails tests; it never skips them in silence.
package testenv

import (
	"bytes"
	"testing"

	"go.uber.org/goleak"
)

// MasterKey is a fixed master key for tests.
func MasterKey() []byte { return bytes.Repeat([]byte{0x5a}, 32) }

// Main runs a package's tests, stops the shared PostgreSQL, calls the functions
// given, and fails when goroutines are left. It does not return.
func Main(m *testing.M, after ...func()) { goleak.VerifyTestMain(runner{m, after}) }

type runner struct {
	m     *testing.M
	after []func()
}

func (r runner) Run() int {
	code := r.m.Run()
	if err := shared.stop(); err != nil && code == 0 {
		println(err.Error()) // there is no test left to report to
		code = 1
	}
	for _, f := range r.after {
		f()
	}
	return code
}

// check fails a test whose servers can not be had.
func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal("test environment: ", err)
	}
}
