package query

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

// collect walks the history in small pages.
func collect(t *testing.T, q *Queries, f HistoryFilter, limit int) (sequences []uint64) {
	t.Helper()
	after := uint64(0)
	for {
		items, through, err := q.History(context.Background(), f, after, limit)
		require.NoError(t, err)
		for _, a := range items {
			require.Greater(t, a.Sequence, after)
			after = a.Sequence
			sequences = append(sequences, a.Sequence)
		}
		require.GreaterOrEqual(t, through, after)
		if after = through; len(items) == 0 {
			return sequences
		}
	}
}

func TestHistoryIsInOrderOfPosition(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.feed(userID(1), 1, 100)
	s.feed(userID(2), 101, 50)
	s.feed(userID(3), 151, 50)
	s.exec(`update activities set project_id = 'p' || sequence % 3, workspace = 'w' || sequence % 2`)
	s.commit("activity", 200, "")
	q := s.open(nil)
	for name, c := range map[string]struct {
		filter HistoryFilter
		where  string
	}{
		"all":        {HistoryFilter{}, "true"},
		"users":      {HistoryFilter{Users: []string{userID(3), userID(1)}}, "user_id <> '" + userID(2) + "'"},
		"nobody":     {HistoryFilter{Users: []string{}}, "false"},
		"types":      {HistoryFilter{Types: []events.ActivityType{"commit", "review"}}, "type in ('commit', 'review')"},
		"user types": {HistoryFilter{Users: []string{userID(2)}, Types: []events.ActivityType{"commit"}}, "type = 'commit' and user_id = '" + userID(2) + "'"},
		"rest":       {HistoryFilter{Projects: []string{"p0", "p1"}, Workspaces: []string{"w1"}}, "project_id in ('p0', 'p1') and workspace = 'w1'"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []uint64
			rows, err := s.conn.Query(context.Background(), "select sequence from activities where "+c.where+" order by sequence")
			require.NoError(t, err)
			for rows.Next() {
				var sequence uint64
				require.NoError(t, rows.Scan(&sequence))
				want = append(want, sequence)
			}
			require.NoError(t, rows.Err())
			require.Equal(t, want, collect(t, q, c.filter, 7))
			latest, through, err := q.Latest(context.Background(), c.filter, 20)
			require.NoError(t, err)
			require.EqualValues(t, 200, through)
			var got []uint64
			for _, a := range latest {
				got = append(got, a.Sequence)
			}
			require.Equal(t, want[max(0, len(want)-20):], append(want[:0:0], got...))
		})
	}
}

// A rare filter over everybody's goes window by window, and finds all.
func TestHistoryOfSomethingRare(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const n = 3*historyWindow + 10
	s.feed(userID(1), 1, n)
	s.exec(`update activities set workspace = 'rare' where sequence in (3, 9000)`)
	s.commit("activity", n, "")
	q := s.open(nil)
	filter := HistoryFilter{Workspaces: []string{"rare"}}
	latest, _, err := q.Latest(context.Background(), filter, 20)
	require.NoError(t, err)
	require.Len(t, latest, 2)
	var found []uint64
	for after := uint64(0); after < n; {
		items, through, err := q.History(context.Background(), filter, after, 20)
		require.NoError(t, err)
		require.Greater(t, through, after)
		for _, a := range items {
			found = append(found, a.Sequence)
		}
		after = through
	}
	require.Equal(t, []uint64{3, 9000}, found)
}

func TestHistoryBeyondTheEnd(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.commit("activity", 5, "")
	q := s.open(func(context.Context, events.Stream) (uint64, error) { return 7, nil })
	items, through, err := q.History(context.Background(), HistoryFilter{Types: []events.ActivityType{"commit"}}, math.MaxUint64-1, 20)
	require.NoError(t, err)
	require.Empty(t, items)
	require.EqualValues(t, uint64(math.MaxUint64-1), through)
	head, err := q.Head(context.Background(), events.Activity)
	require.NoError(t, err)
	require.EqualValues(t, 7, head)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.NoError(t, q.AwaitActivities(ctx, 5))
	require.Error(t, q.AwaitActivities(ctx, 6))
}

func TestStreamsUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.feed(userID(1), 1, 20_000)
	s.exec(`update activities set user_id = gen_random_uuid() where sequence % 10 > 0`)
	s.exec("analyze")
	s.exec("set plan_cache_mode = force_generic_plan")
	for name, index := range map[string]string{
		"HistoryOfUsers": "activities_stream", "LatestOfUsers": "activities_stream", "History": "activities_pkey", "Latest": "activities_pkey",
	} {
		plan := s.plan(name)
		require.Contains(t, plan, index, plan)
		require.NotContains(t, plan, "Seq Scan on activities", plan)
	}
}
