package progress_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/cmd/roster/internal/progress"
)

func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := progress.NewLines(progress.Config{Out: &out, Total: 1000, What: "activities", Now: func() time.Time { return now }})
	for range 6 {
		now = now.Add(time.Second)
		p.Update(progress.State{Items: int(now.Unix()%100) * 1500, Offset: now.Unix() % 100 * 100})
	}
	p.Finish()
	require.Equal(t, "3,000 activities, 1,500/s, 20 % read, about 8s left\n"+
		"6,000 activities, 1,500/s, 40 % read, about 6s left\n"+
		"9,000 activities, 1,500/s, 60 % read, about 4s left\n", out.String())
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := progress.NewBar(progress.Config{Out: &out, Total: 1000, What: "activities", Now: func() time.Time { return now }})
	now = now.Add(2 * time.Second)
	p.Update(progress.State{Items: 3000, Offset: 500})
	p.Finish()
	require.Contains(t, out.String(), "activities")
}
