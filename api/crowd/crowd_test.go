package crowd_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/api/crowd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func request(body io.Reader) *http.Request { return httptest.NewRequest(http.MethodPost, "/", body) }

// full says whether there is no place just now. Limits of tests have the patience of
// a moment.
func full(t *testing.T, c *crowd.Crowd) bool {
	t.Helper()
	_, p, err := c.Enter(request(nil))
	if err == nil {
		p.Leave()
		return false
	}
	require.ErrorIs(t, err, crowd.ErrFull)
	return true
}

func one() *crowd.Crowd {
	return crowd.New(crowd.Limits{Requests: 1, Patience: time.Millisecond, Bodies: 100 << 10}, nil)
}

func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	c := crowd.New(crowd.Limits{Requests: 2, Waiting: 1, Patience: patience}, func() time.Time { return now })
	var in [2]*crowd.Place
	for i := range in {
		_, p, err := c.Enter(request(nil))
		require.NoError(t, err)
		in[i] = p
	}
	require.Empty(t, c.Busy())
	got := make(chan error, 1)
	go func() {
		_, p, err := c.Enter(request(nil))
		if err == nil {
			p.Leave()
		}
		got <- err
	}()
	await(t, c, "roster_http_requests_waiting", 1)
	require.True(t, full(t, c), "one waits already")
	require.Contains(t, c.Busy(), "2 of 2 are worked at, 1 of 1 wait")
	in[0].Leave()
	require.NoError(t, <-got, "who waits comes next")
	in[1].Leave()
	require.False(t, full(t, c))
	now = now.Add(6 * time.Second)
	require.Empty(t, c.Busy(), "it is over")
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	c := one()
	_, p, err := c.Enter(request(nil))
	require.NoError(t, err)
	require.True(t, full(t, c), "nobody waits for long")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = c.Enter(request(nil).WithContext(ctx))
	require.ErrorIs(t, err, crowd.ErrFull, "who has left does not wait")
	p.Leave()
	require.False(t, full(t, c))
}

// TestWhoWaitsForItsClientHasNoPlace is about bodies of every kind.
func TestWhoWaitsForItsClientHasNoPlace(t *testing.T) {
	t.Parallel()
	c := one()
	for name, length := range map[string]int64{"small": 10, "large": 1 << 20, "of unknown length": -1} {
		reader, writer := io.Pipe()
		r := request(reader)
		r.ContentLength = length
		done := make(chan error, 1)
		go func() {
			in, p, err := c.Enter(r)
			if err == nil {
				var raw []byte
				if raw, err = io.ReadAll(in.Body); err == nil && string(raw) != "0123456789" {
					err = errors.New("the body is " + string(raw))
				}
				p.Leave()
			}
			done <- err
		}()
		_, err := io.WriteString(writer, "01234") // which is taken when it is read
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !full(t, c) }, patience, time.Millisecond, name)
		_, err = io.WriteString(writer, "56789")
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		require.NoError(t, <-done, name)
	}
	require.False(t, full(t, c))
}

func TestBodiesThatBreakOff(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for name, length := range map[string]int64{"small": 10, "large": 1 << 20} {
		r := request(io.MultiReader(strings.NewReader("012"), failing{gone}))
		r.ContentLength = length
		in, p, err := one().Enter(r)
		require.NoError(t, err)
		raw, err := io.ReadAll(in.Body)
		require.ErrorIs(t, err, gone, name)
		require.Equal(t, "012", string(raw), name)
		p.Leave()
	}
	short := request(strings.NewReader("012"))
	short.ContentLength = 10
	in, p, err := one().Enter(short)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, in.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	p.Leave()
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLongAnswersAndStreamsHaveNoPlace(t *testing.T) {
	t.Parallel()
	c := one()
	_, p, err := c.Enter(request(nil))
	require.NoError(t, err)
	p.Writing(100)
	require.True(t, full(t, c), "the server keeps a short answer")
	p.Writing(100 << 10)
	require.False(t, full(t, c))
	p.Leave()
	in, p, err := c.Enter(request(nil))
	require.NoError(t, err)
	crowd.StepAside(in.Context())
	require.False(t, full(t, c))
	p.Leave()
	require.False(t, full(t, c))
}

func TestBytesOfBodiesAreBounded(t *testing.T) {
	t.Parallel()
	c := crowd.New(crowd.Limits{Bodies: 100 << 10}, nil)
	read := func(size int) (*crowd.Place, error) {
		in, p, err := c.Enter(request(strings.NewReader(strings.Repeat("x", size))))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, crowd.Held(in.Context(), in.Body))
		return p, err
	}
	first, err := read(60 << 10)
	require.NoError(t, err)
	second, err := read(60 << 10)
	require.ErrorIs(t, err, crowd.ErrFull)
	second.Leave()
	small, err := read(10 << 10)
	require.NoError(t, err, "small ones are bounded by the connections")
	small.Leave()
	first.Leave()
	third, err := read(60 << 10)
	require.NoError(t, err)
	third.Leave()
	await(t, c, "roster_http_bodies_held_bytes", 0)
}

// await waits until a metric has a value.
func await(t *testing.T, c *crowd.Crowd, name string, want float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, c.Register(registry))
	require.Eventually(t, func() bool {
		families, err := registry.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == name {
				m := f.GetMetric()[0]
				return m.GetGauge().GetValue()+m.GetCounter().GetValue() == want
			}
		}
		return false
	}, patience, time.Millisecond, name)
}
