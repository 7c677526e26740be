package faults_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// outcome is what a client knows of a write.
type outcome int

const (
	unknown outcome = iota // no answer came, or one that promises nothing
	acknowledged
	refused
)

func outcomeOf(status int, err error) outcome {
	switch {
	case err != nil || status >= http.StatusInternalServerError:
		return unknown
	case status >= http.StatusBadRequest:
		return refused
	}
	return acknowledged
}

// write is one thing that a client wanted, however often it asked for it.
type write struct {
	id       string // travels as Roster-Reason, and so lies in the log
	kind     kind
	subject  string // what it is about; writes about one subject come one after another
	outcome  outcome
	status   int
	position string
	tries    int
	answered time.Time
}

// history is what clients were told, and what they saw that must not be.
type history struct {
	mu     sync.Mutex
	writes []write
	reads  int
	stale  int
	wrong  []string

	longestElsewhere time.Duration // that a revoked key worked on another node
}

func (h *history) add(w write) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes = append(h.writes, w)
}

func (h *history) read(stale bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	if stale {
		h.stale++
	}
}

func (h *history) elsewhere(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.longestElsewhere = max(h.longestElsewhere, d)
}

// maxWrong bounds what is told of one run.
const maxWrong = 50

func (h *history) violated(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wrong) < maxWrong {
		h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
	}
}

// count is how many writes ended so.
func (h *history) count(o outcome) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, w := range h.writes {
		if w.outcome == o {
			n++
		}
	}
	return n
}
