package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	shortRun = 20 * time.Second
	// The pauses of a short run are short, so that it has many faults.
	shortPause = 2 * time.Second
	longPause  = 30 * time.Second
	workers    = 16
)

// settings say which run it is.
type settings struct {
	length  time.Duration
	longest time.Duration // pause
	seed    uint64
	out     string // file for the summary; "" for none
}

// settingsOf reads which run it is. In a short one the tests run beside each other.
func settingsOf(t *testing.T) settings {
	t.Helper()
	c := settings{length: shortRun, longest: shortPause, seed: 20150101, out: os.Getenv("FAULTS_OUT")}
	if testing.Short() {
		c.length = 10 * time.Second
	}
	var err error
	if text := os.Getenv("FAULTS_FOR"); text == "" {
		t.Parallel()
	} else {
		c.length, err = time.ParseDuration(text)
		require.NoError(t, err, "FAULTS_FOR")
	}
	if c.length > 2*time.Minute {
		c.longest = longPause
	}
	if text := os.Getenv("FAULTS_SEED"); text != "" {
		c.seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "FAULTS_SEED")
	}
	return c
}

// part is for a test that needs less of a long run than the others.
func (c settings) part(of time.Duration) settings {
	c.length = max(c.length/of, min(c.length, shortRun/2))
	return c
}

// TestNothingIsLostOrDoubled is the whole of it: two api processes, two projectors,
// and all faults that a machine can have in software.
func TestNothingIsLostOrDoubled(t *testing.T) {
	c := settingsOf(t)
	s := newStack(t, newDir(t), 2, 2)
	require.NoError(t, s.start(t.Context()))
	s.attack(c, s.faults(c.longest))
}

// attack injects faults under load, and checks everything afterwards.
func (s *stack) attack(c settings, faults []fault) {
	t := s.t
	t.Helper()
	t.Logf("seed %d, for %s", c.seed, c.length)
	began := time.Now()
	h := &history{}
	s.owner = s.enter(t)
	load := startLoad(t.Context(), s, s.owner, c.seed, h)
	plan := newSchedule(t, c.seed, s, faults)
	broken := plan.run(t.Context(), began.Add(c.length))
	load.stop()
	if broken == nil {
		broken = s.recovered(t.Context())
	}
	var found findings
	if broken == nil {
		found = s.check(t, h, load)
	}
	load.stopFollowers()
	for _, p := range s.processes() {
		h.wrong = append(h.wrong, p.complaints()...)
	}
	c.write(t, summarize(t.Name(), c, plan, h, load, found, time.Since(began)))
	if broken != nil || len(h.wrong) > 0 {
		s.tellLastWords()
	}
	require.NoError(t, broken)
	require.Empty(t, h.wrong)
	require.NotZero(t, h.count(acknowledged))
}

// write shows a summary, and adds it to the file that was asked for.
func (c settings) write(t *testing.T, summary string) {
	t.Helper()
	t.Log("\n" + summary)
	if c.out == "" {
		return
	}
	f, err := os.OpenFile(c.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString(summary + "\n")
	require.NoError(t, err)
}

func (s *stack) tellLastWords() {
	for _, p := range s.processes() {
		s.t.Logf("%s said last:\n%s", p.name, p.lastWords())
	}
}

// enter makes the first user, an owner, and returns a session's token.
func (s *stack) enter(t *testing.T) string {
	t.Helper()
	c := newClient(s.apis[0])
	defer c.http.CloseIdleConnections()
	body := fmt.Sprintf(`{"email":"owner@example.com","username":"owner","password":%q}`, password)
	for _, path := range []string{"/api/v2/users/first", "/api/v2/users/login"} {
		a, err := c.do(t.Context(), call{method: http.MethodPost, path: path, body: body})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, a.status, "%v", a.body)
		if token := a.text("session_token"); token != "" {
			return token
		}
	}
	require.Fail(t, "nobody could sign in")
	return ""
}

// load is everybody who calls.
type load struct {
	workers   []*worker
	followers []*follower

	stopWork, stopFollow context.CancelFunc
	working, following   sync.WaitGroup
}

func startLoad(ctx context.Context, s *stack, owner string, seed uint64, h *history) *load {
	l := &load{}
	working, stopWork := context.WithCancel(ctx)
	following, stopFollow := context.WithCancel(ctx)
	l.stopWork, l.stopFollow = stopWork, stopFollow
	for i := range workers {
		w := newWorker(fmt.Sprintf("w%d", i), seed, uint64(i+1), s.apis, owner, h)
		l.workers = append(l.workers, w)
		l.working.Go(func() { w.run(working) })
	}
	for _, n := range s.apis {
		f := newFollower(n, owner, h)
		l.followers = append(l.followers, f)
		l.following.Go(func() { f.run(following) })
	}
	return l
}

// stop ends the writing; followers follow what was written last.
func (l *load) stop() {
	l.stopWork()
	l.working.Wait()
}

func (l *load) stopFollowers() {
	l.stopFollow()
	l.following.Wait()
	for _, w := range l.workers {
		w.close()
	}
	for _, f := range l.followers {
		f.http.CloseIdleConnections()
	}
}
