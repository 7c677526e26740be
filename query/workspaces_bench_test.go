package query

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkRecentWorkspaces counts where somebody was active who did 100,000 things in
// 30 days, in 50 workspaces.
func BenchmarkRecentWorkspaces(b *testing.B) {
	s := newStore(b)
	s.exec(`insert into activities (sequence, user_id, type, action, entity_id, workspace, occurred_at, recorded_at, source, source_id)
		select i, $1::uuid, 'commit', 'pushed', 'e', 'workspace-' || i % 50, now() - i * interval '25 seconds', now(), 's', i::text
		from generate_series(1, 150000) i`, userID(1))
	s.exec("vacuum analyze activities")
	q, since := s.open(nil), time.Now().Add(-30*24*time.Hour)
	for b.Loop() {
		found, err := q.RecentWorkspaces(context.Background(), userID(1), since)
		require.NoError(b, err)
		require.Len(b, found, 50)
	}
}
