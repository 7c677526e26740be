package faults_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPowerCuts takes the power away from the broker of the default installation,
// which is inside the api process: with ROSTER_SYNC=always nothing that was
// acknowledged is missing, whatever was not synced.
func TestPowerCuts(t *testing.T) {
	c := settingsOf(t).part(4)
	dir := newDir(t)
	disk := newPowerDisk(t, dir, c.seed)
	s := newEmbedded(t, dir, disk.mounted, "always")
	require.NoError(t, s.start(t.Context()))
	s.attack(c, []fault{s.powerCut(disk)})
}

// newEmbedded is one process with broker and projectors inside; PostgreSQL, whose
// power stays, is outside.
func newEmbedded(t *testing.T, dir, data, sync string) *stack {
	t.Helper()
	s := &stack{t: t, dir: dir, postgres: newDatabase(t, filepath.Join(dir, "postgresql"))}
	n := s.newNode("api-1")
	n.runs(s, "api", []string{"ROSTER_DATA_DIR=" + data, "ROSTER_SYNC=" + sync, "ROSTER_NATS_LISTEN=127.0.0.1:0", "ROSTER_RATE_LIMITS=off"})
	s.apis = []*node{n}
	s.direct = func() string {
		url, err := os.ReadFile(filepath.Join(data, "nats.url"))
		require.NoError(t, err)
		return strings.TrimSpace(string(url))
	}
	return s
}

func (s *stack) powerCut(disk *powerDisk) fault {
	api := s.apis[0]
	return fault{
		kind: "power cut", what: "the broker", hold: span{0, time.Second},
		inject: func(context.Context) error {
			api.kill()
			return disk.cut()
		},
		heal: api.start,
	}
}
