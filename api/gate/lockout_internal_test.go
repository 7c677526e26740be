package gate

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

const (
	home   = "192.0.2.7:1000"
	office = "198.51.100.9:1000"
)

// TestLockout tells a story for each row: who tries what, when, and for how long they
// are told to wait (0: not at all).
func TestLockout(t *testing.T) {
	t.Parallel()
	type try struct {
		times   int
		from    string
		account string
		right   bool
		failed  bool // the server could not tell
		after   time.Duration
		wait    time.Duration // of the last one
	}
	for name, story := range map[string][]try{
		"ten are free":             {{times: 10, from: home}, {times: 1, from: home, wait: 6 * time.Second}},
		"waits double":             {{times: 10, from: home}, {times: 1, from: home, after: 6 * time.Second}, {times: 1, from: home, wait: 12 * time.Second}},
		"who waits is not counted": {{times: 40, from: home, wait: 6 * time.Second}, {times: 1, from: home, after: 6 * time.Second}},
		"others are not locked":    {{times: 20, from: home, wait: 6 * time.Second}, {times: 1, from: office}},
		"nor their other accounts": {{times: 20, from: home, wait: 6 * time.Second}, {times: 1, from: home, account: "bob"}},
		"however it is written":    {{times: 10, from: home}, {times: 1, from: home, account: "ADA", wait: 6 * time.Second}},
		"success forgets":          {{times: 9, from: home}, {times: 1, from: home, right: true}, {times: 10, from: home}, {times: 1, from: home, wait: 6 * time.Second}},
		"of others it does not":    {{times: 10, from: home}, {times: 1, from: office, right: true}, {times: 1, from: home, wait: 6 * time.Second}},
		"an hour forgets":          {{times: 10, from: home}, {times: 10, from: home, after: time.Hour}, {times: 1, from: home, wait: 6 * time.Second}},
		"failures are no tries":    {{times: 40, from: home, failed: true}, {times: 10, from: home}, {times: 1, from: home, wait: 6 * time.Second}},
		"many succeed":             {{times: 50, from: home, right: true}},
	} {
		now := time.Unix(1_500_000_000, 0)
		g := &Gate{limits: newLimits(func() time.Time { return now }, 0)}
		for i, step := range story {
			now = now.Add(step.after)
			account := step.account
			if account == "" {
				account = "ada"
			}
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.RemoteAddr = step.from
			var err error
			for range step.times {
				if err = g.AllowLogin(r, account); err == nil && step.right {
					g.TriedLogin(r, account, nil)
				}
				if err == nil && step.failed {
					g.TriedLogin(r, account, &commands.Error{Code: commands.Unavailable})
				}
			}
			if step.wait == 0 {
				require.NoError(t, err, "%s: step %d", name, i)
				continue
			}
			var refused *Error
			require.True(t, errors.As(err, &refused), "%s: step %d", name, i)
			require.Equal(t, RateLimited, refused.Reason)
			require.Equal(t, step.wait, refused.RetryAfter, "%s: step %d", name, i)
		}
	}
}

func TestLockoutEnds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_500_000_000, 0)
	l := newLockout(func() time.Time { return now })
	name := attempt(strings.Repeat("x", 1000), "192.0.2.7")
	require.Len(t, name, 128+len("192.0.2.7 "))
	longest := time.Duration(0)
	for range 100 {
		var refused *Error
		if errors.As(l.begin(name), &refused) {
			longest = max(longest, refused.RetryAfter)
			now = now.Add(refused.RetryAfter)
			require.NoError(t, l.begin(name), "after the wait there is a try")
		}
	}
	require.Equal(t, 15*time.Minute, longest)
}

// TestMailIsBoundedFromEverywhere: many networks do not flood one mailbox, and asking
// for mail locks nobody out.
func TestMailIsBoundedFromEverywhere(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_500_000_000, 0)
	g := &Gate{limits: newLimits(func() time.Time { return now }, 0)}
	sent := 0
	for i := range 100 {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1000", i)
		if g.AllowMail(r, "ada@example.com") == nil {
			sent++
		}
	}
	require.Equal(t, mailAccountBurst, sent)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = home
	require.NoError(t, g.AllowLogin(r, "ada@example.com"))
}
