package v1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// FuzzActivityInput: nothing panics, and what passes is fit for the log.
func FuzzActivityInput(f *testing.F) {
	f.Add([]byte(`{"source":"s","id":"1","user":{"username":"a"},"type":"comment","action":"x","entity":{"id":"e","createdAt":"2024-01-01T00:00:00+14:00"},"occurredAt":"2024-01-01T00:00:00Z","metadata":{"a":[1,1.5,{"b":null}]}}`))
	f.Add([]byte(`{"user":{"provider":"github","subject":"1"},"assignee":{},"count":1e999,"due":"9999-12-31T23:59:59-23:59"}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := activityInput(raw)
		if err != nil {
			if err.Code == "" || err.Message == "" {
				t.Fatalf("%q: %+v", raw, err)
			}
			return
		}
		if in.Source == "" || in.SourceID == "" || in.OccurredAt.IsZero() || in.Count < 0 || in.OccurredAt.Year() > 9999 {
			t.Fatalf("%q: %+v", raw, in)
		}
	})
}

// FuzzLines: every line comes back once, in order, however long; nothing is lost.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\nb\r\n  \nc"), uint16(3))
	f.Add([]byte("x"), uint16(60000))
	f.Fuzz(func(t *testing.T, raw []byte, repeat uint16) {
		if len(raw)*int(repeat) > 1<<20 || bytes.Count(raw, []byte("\n"))*int(repeat) >= maxItems {
			return
		}
		whole := bytes.Repeat(raw, int(repeat))
		l := newLines(bytes.NewReader(whole))
		for i, want := range bytes.Split(whole, []byte("\n")) {
			if len(want)+1 <= maxLine && len(bytes.TrimSpace(want)) == 0 {
				continue
			}
			it, err := l.next()
			if err != nil || it.index != i {
				t.Fatalf("line %d: %+v %v", i, it.index, err)
			}
			if it.wrong == nil && !bytes.Equal(bytes.TrimSuffix(it.raw, []byte("\n")), want) {
				t.Fatalf("line %d: %q, want %q", i, it.raw, want)
			}
		}
		if _, err := l.next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the end: %v", err)
		}
	})
}

// brokenOff is a body whose connection goes.
type brokenOff struct{ io.Reader }

func (b brokenOff) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func recordingInto(kept *[]string, fail error) *recording {
	return &recording{
		record: func(_ context.Context, _ commands.Request, in []commands.ActivityInput) ([]commands.ActivityOutcome, error) {
			if fail != nil && len(*kept) > 0 {
				return nil, fail
			}
			out := make([]commands.ActivityOutcome, len(in))
			for i, a := range in {
				*kept = append(*kept, a.SourceID)
				out[i] = commands.ActivityOutcome{UserID: "u", Sequence: uint64(len(*kept))}
			}
			return out, nil
		},
		patient: func() {}, note: func(string, events.Position) {},
		answer: client.RecordAnswer{Rejected: []client.Rejection{}},
	}
}

const good = `{"source":"s","id":"1","user":{"username":"a"},"type":"comment","action":"x","entity":{"id":"e"},"occurredAt":"2024-01-01T00:00:00Z"}`

// TestGivenUp: what was kept before a failure is told.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(good+"\n", 1500)
	for name, c := range map[string]struct {
		body     io.Reader
		fail     error
		status   int
		accepted int
	}{
		"log away":      {strings.NewReader(many), events.ErrUnavailable, 503, 1000},
		"commands away": {strings.NewReader(many), &commands.Error{Code: commands.Unavailable, Message: "x"}, 503, 1000},
		"broken off":    {brokenOff{strings.NewReader(many + `{"half`)}, nil, 400, 1500},
	} {
		var kept []string
		rec := recordingInto(&kept, c.fail)
		err := rec.gaveUp(rec.run(t.Context(), newLines(c.body)))
		p := problemOf(err)
		require.NotNil(t, p, name)
		require.Equal(t, c.status, p.Status, name)
		require.Equal(t, c.accepted, p.kept.Accepted, name)
		require.Contains(t, p.Detail, "stays")
	}
	var kept []string
	rec := recordingInto(&kept, errors.New("boom"))
	require.Nil(t, problemOf(rec.gaveUp(rec.run(t.Context(), newLines(strings.NewReader(many))))), "a failure of ours is a 500")
}
