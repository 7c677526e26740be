//nolint:thelper // these are tests, not helpers of tests
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

const writers = 64

var races = map[string]func(*testing.T, Log){
	"64 writers on one aggregate: every accepted change is there once, in order":    oneAggregate,
	"64 registrations of one e-mail: exactly one, and nothing of the others":        oneEmail,
	"64 writers on their own aggregates do not disturb each other":                  ownAggregates,
	"numbers reserved by many are never given twice":                                reservations,
	"numbers set aside are never given, and those given are never set aside":        setsAside,
	"callers that go away among many lose nothing of the others":                    someGone,
	"an activity recorded by many at once is stored once and counted new only once": recordedByMany,
}

// all runs f in as many goroutines as there are writers and waits for them.
func all(f func(i int)) {
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// decideAgain appends one rename to whatever is there, as a command would.
func decideAgain(ctx context.Context, l Log, user events.Aggregate, name string) (uint64, error) {
	for {
		tip, err := l.Tip(ctx, user)
		if err != nil {
			return 0, err
		}
		sequence, err := l.Append(ctx, events.Commit{
			Aggregate: user, Expected: tip.Sequence, Events: []events.Draft{renamed(user, name)},
		})
		if !errors.Is(err, events.ErrConflict) {
			return sequence, err
		}
	}
}

func oneAggregate(t *testing.T, l Log) {
	user, at := register(t, l)
	const each = 3
	accepted := make([]map[uint64]string, writers)
	failed := make([]error, writers)
	all(func(i int) {
		accepted[i] = map[uint64]string{}
		for k := range each {
			name := fmt.Sprintf("w%d-%d", i, k)
			sequence, err := decideAgain(t.Context(), l, user, name)
			if err != nil {
				failed[i] = err
				return
			}
			accepted[i][sequence] = name
		}
	})
	want := map[uint64]string{}
	for i := range accepted {
		require.NoError(t, failed[i])
		for sequence, name := range accepted[i] {
			require.NotContains(t, want, sequence)
			want[sequence] = name
		}
	}
	require.Len(t, want, writers*each)

	got, err := l.Read(t.Context(), user, at+1)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	require.True(t, slices.IsSortedFunc(got, func(a, b events.Recorded) int { return int(a.Sequence) - int(b.Sequence) }))
	for _, r := range got {
		require.Equal(t, want[r.Sequence], r.Payload.(*events.UserUsernameChanged).Private.Username)
	}
}

func oneEmail(t *testing.T, l Log) {
	errs := make([]error, writers)
	users := make([]events.Aggregate, writers)
	all(func(i int) {
		users[i] = newUser()
		_, errs[i] = l.Append(t.Context(), registration(users[i], fmt.Sprintf("name%d", i), "same@example.org"))
	})
	winner := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(t, -1, winner, "two succeeded")
			winner = i
			continue
		}
		require.ErrorIs(t, err, events.ErrConflict)
	}
	require.NotEqual(t, -1, winner, "none succeeded")
	require.EqualValues(t, 3, head(t, l, events.Roster), "one event and two claims")
	for i, user := range users {
		tip, err := l.LeaderTip(t.Context(), user)
		require.NoError(t, err)
		name, err := l.Claim(t.Context(), events.Claim{Kind: "username", Value: fmt.Sprintf("name%d", i)})
		require.NoError(t, err)
		require.Equal(t, i == winner, tip.Sequence != 0)
		require.Equal(t, i == winner, name.Holder == user.ID)
	}
}

func ownAggregates(t *testing.T, l Log) {
	errs := make([]error, writers)
	all(func(i int) {
		user := newUser()
		commit := registration(user, fmt.Sprintf("own%d", i), fmt.Sprintf("own%d@example.org", i))
		first, err := l.Append(t.Context(), commit)
		for k := 0; err == nil && k < 5; k++ {
			first, err = l.Append(t.Context(), events.Commit{
				Aggregate: user, Expected: first, Events: []events.Draft{renamed(user, "x")},
			})
		}
		errs[i] = err
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, writers*(3+5), head(t, l, events.Roster))
}

func reservations(t *testing.T, l Log) {
	const n = 7
	firsts, errs := make([]int64, writers), make([]error, writers)
	all(func(i int) { firsts[i], errs[i] = l.Reserve(t.Context(), "user", n) })
	slices.Sort(firsts)
	for i, first := range firsts {
		require.NoError(t, errs[i])
		require.EqualValues(t, 1+i*n, first)
	}
	other, err := l.Reserve(t.Context(), "another", 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, other)
}

func setsAside(t *testing.T, l Log) {
	none, err := l.SetAside(t.Context(), "user", 0)
	require.NoError(t, err)
	require.Empty(t, none)
	const n = 7
	firsts, errs := make([]int64, writers), make([]error, writers)
	all(func(i int) {
		if i%2 == 0 {
			firsts[i], errs[i] = l.Reserve(t.Context(), "user", n)
		} else {
			_, errs[i] = l.SetAside(t.Context(), "user", int64(i*n))
		}
	})
	aside, err := l.SetAside(t.Context(), "user", 1)
	require.NoError(t, err)
	seen := map[int64]bool{}
	for i, first := range firsts {
		require.NoError(t, errs[i])
		if i%2 != 0 {
			require.True(t, i*n == 0 || seen[int64(i*n)] || events.HasNumber(aside, int64(i*n)) || given(firsts, n, int64(i*n)), i)
			continue
		}
		for number := first; number < first+n; number++ {
			require.False(t, seen[number], "given twice")
			require.False(t, events.HasNumber(aside, number), "given and set aside")
			seen[number] = true
		}
	}
	before, err := l.Reserve(t.Context(), "user", 1)
	require.NoError(t, err)
	aside, err = l.SetAside(t.Context(), "user", before+10)
	require.NoError(t, err)
	require.Equal(t, events.Numbers{First: before + 1, Last: before + 10}, aside[len(aside)-1])
	aside, err = l.SetAside(t.Context(), "user", before+20)
	require.NoError(t, err)
	require.Equal(t, events.Numbers{First: before + 1, Last: before + 20}, aside[len(aside)-1], "neighbours become one")
	next, err := l.Reserve(t.Context(), "user", 1)
	require.NoError(t, err)
	require.Equal(t, before+21, next)
}

func given(firsts []int64, n, number int64) bool {
	return slices.ContainsFunc(firsts, func(first int64) bool { return first > 0 && first <= number && number < first+n })
}

func someGone(t *testing.T, l Log) {
	errs := make([]error, writers)
	users := make([]events.Aggregate, writers)
	all(func(i int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		users[i] = newUser()
		if i%2 == 1 {
			go cancel()
		}
		_, errs[i] = l.Append(ctx, events.Commit{Aggregate: users[i], Events: []events.Draft{registered(users[i], "a", "")}})
	})
	for i, err := range errs {
		if i%2 == 0 {
			require.NoError(t, err)
		}
		if err != nil {
			require.ErrorIs(t, err, events.ErrUnavailable)
			continue
		}
		got, err := l.Read(t.Context(), users[i], 0)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
}

func recordedByMany(t *testing.T, l Log) {
	user, _ := register(t, l)
	const n = 40
	results, errs := make([][]events.Recording, writers), make([]error, writers)
	all(func(i int) {
		drafts := make([]events.Draft, n)
		for k := range drafts {
			drafts[k] = activity(user, fmt.Sprint(k))
		}
		results[i], errs[i] = l.Record(t.Context(), drafts)
	})
	fresh := map[uint64]int{}
	for i := range results {
		require.NoError(t, errs[i])
		for k, r := range results[i] {
			require.Equal(t, results[0][k].Sequence, r.Sequence)
			if !r.Duplicate {
				fresh[r.Sequence]++
			}
		}
	}
	require.Len(t, fresh, n)
	for _, times := range fresh {
		require.Equal(t, 1, times)
	}
	require.EqualValues(t, n, head(t, l, events.Activity))
}
