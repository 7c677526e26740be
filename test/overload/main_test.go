// Package overload_test asks more of the built program than it can do, and lets slow
// clients hold on to it: whatever comes, it lives, says how it is, answers what it
// can, refuses the rest in so many words, and is itself again soon after.
//
//	OVERLOAD_FOR=2m make test-overload
package overload_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/testenv"
)

// programs is where TestMain built the program.
var programs string

func TestMain(m *testing.M) {
	programs = testenv.Programs("../../cmd/api")
	testenv.Main(m, func() { _ = os.RemoveAll(programs) })
}

func program(name string) string { return filepath.Join(programs, name) }

// plan is how much is asked for.
type plan struct {
	overload    time.Duration // at twice what it can do
	slowFor     time.Duration
	slow        int // clients of each kind
	requests    int // that may be worked at
	connections int
	memory      int64 // MiB that may be added
}

// The recovery that is promised.
const recovery = 10 * time.Second

// planned is short, with low bounds that are met soon; with OVERLOAD_FOR it is long,
// with the usual ones.
func planned(t *testing.T) plan {
	t.Helper()
	text := os.Getenv("OVERLOAD_FOR")
	if text == "" {
		return plan{overload: 2 * time.Second, slowFor: 2 * time.Second, slow: 340, requests: 16, connections: 600, memory: 384}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return plan{overload: d, slowFor: 40 * time.Second, slow: 3400, requests: 1024, connections: 12288, memory: 1024}
}
