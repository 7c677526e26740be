package importer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/cmd/roster/internal/fakeserver"
	"github.com/rosterhq/roster/cmd/roster/internal/importer"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { os.Exit(code) }))
}

type setup struct {
	server   *fakeserver.Server
	rejected []importer.Rejection
	steps    []importer.Counts
	lines    int
	creators int
}

// run imports items with a client that does not wait between tries.
func (s *setup) run(t *testing.T, ctx context.Context, items []importer.Item) (importer.Counts, error) { //nolint:revive // a helper has t first
	t.Helper()
	api, err := client.New(client.Config{
		Server: s.server.URL, Token: fakeserver.Token, Stop: ctx.Done(),
		Pause: func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil },
	})
	require.NoError(t, err)
	defer api.Close()
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	s.rejected, s.steps = nil, nil
	imp := importer.New(importer.Options{
		Server: api, BatchLines: s.lines, Creators: s.creators,
		Random: func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return random.IntN(n)
		},
		Rejected: func(r importer.Rejection) { s.rejected = append(s.rejected, r) },
		Progress: func(c importer.Counts) { s.steps = append(s.steps, c) },
	})
	next := 0
	return imp.Run(ctx, func() (importer.Item, bool) {
		if next == len(items) {
			return importer.Item{}, false
		}
		next++
		return items[next-1], true
	})
}

func person(n int, login string) importer.Person {
	return importer.Person{Identity: client.Identity{Provider: "github", Subject: fmt.Sprint(n)}, Login: login}
}

func item(t *testing.T, n int, title string, who importer.Person, assignee ...importer.Person) importer.Item {
	t.Helper()
	a := map[string]any{
		"source": "github", "id": fmt.Sprint(n), "user": who.Identity, "type": "ticket", "action": "created",
		"entity": map[string]any{"id": fmt.Sprint(n), "title": title},
	}
	if len(assignee) > 0 {
		a["assignee"] = assignee[0].Identity
	}
	line, err := json.Marshal(a)
	require.NoError(t, err)
	return importer.Item{
		Activity: line, People: append([]importer.Person{who}, assignee...),
		Origin: importer.Origin{File: "hour.json", Line: n + 1}, Offset: int64(n + 1),
	}
}

// hour makes items of some users.
func hour(t *testing.T, items, users int) []importer.Item {
	t.Helper()
	list := make([]importer.Item, items)
	for n := range list {
		who := n * 7 % users
		list[n] = item(t, n, "", person(who, fmt.Sprintf("user%d", who)))
	}
	return list
}

func TestImportAndAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ items, users, lines int }{
		{1, 1, 10}, {10, 3, 10}, {1000, 400, 300}, {1000, 1000, 1000}, {950, 40, 100}, {500, 5, 1},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			s := &setup{server: fakeserver.Start(t), lines: c.lines}
			items := hour(t, c.items, c.users)
			counts, err := s.run(t, t.Context(), items)
			require.NoError(t, err)
			require.Equal(t, importer.Counts{New: c.items, Users: c.users, Offset: int64(c.items)}, counts)
			require.Empty(t, s.rejected)
			require.Equal(t, counts, s.steps[len(s.steps)-1])
			require.True(t, slices.IsSortedFunc(s.steps, func(a, b importer.Counts) int { return a.Done() - b.Done() }))

			made := s.server.Calls("POST /v1/users")
			counts, err = s.run(t, t.Context(), items)
			require.NoError(t, err)
			require.Equal(t, importer.Counts{Duplicates: c.items, Offset: int64(c.items)}, counts)
			require.Equal(t, made, s.server.Calls("POST /v1/users"), "a second run asks for no user")
			users, activities := s.server.Counts()
			require.Equal(t, [2]int{c.users, c.items}, [2]int{users, activities})
		})
	}
}

// What happened in the same second stays in the order of the file.
func TestOrderIsKept(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t), lines: 50}
	items := hour(t, 700, 300)
	_, err := s.run(t, t.Context(), items)
	require.NoError(t, err)
	for n, id := range s.server.Order {
		require.Equal(t, fmt.Sprint(n), id)
	}
}

func TestFewNewUsersAmongMany(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t), lines: 100}
	_, err := s.run(t, t.Context(), hour(t, 600, 200))
	require.NoError(t, err)
	items := hour(t, 600, 200)
	for n := 0; n < 600; n += 60 {
		items[n] = item(t, 1000+n, "", person(5000+n, "late"+fmt.Sprint(n)), person(6000, "boss"))
	}
	before := s.server.Calls("POST /v1/users")
	counts, err := s.run(t, t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, 10, counts.New)
	require.Equal(t, 590, counts.Duplicates)
	require.Equal(t, 11, counts.Users)
	require.Less(t, s.server.Calls("POST /v1/users")-before, 150, "known users are not asked for one by one")
}

func TestAssigneeIsMade(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t)}
	ada, boss := person(1, "ada"), person(2, "boss")
	_, err := s.run(t, t.Context(), []importer.Item{item(t, 0, "", ada)})
	require.NoError(t, err)
	counts, err := s.run(t, t.Context(), []importer.Item{item(t, 0, "", ada), item(t, 1, "", ada, boss)})
	require.NoError(t, err)
	require.Equal(t, importer.Counts{New: 1, Duplicates: 1, Users: 1, Offset: 2}, counts)
	require.Equal(t, "boss", s.server.Users["github:2"])
}

func TestRejections(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{1, 99, 100, 101, 250} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			t.Parallel()
			s := &setup{server: fakeserver.Start(t), lines: 300}
			var items []importer.Item
			for n := range 290 {
				title := "good"
				if n < bad {
					title = "BAD"
				}
				items = append(items, item(t, n, title, person(n%20, fmt.Sprintf("user%d", n%20))))
			}
			for run := range 2 {
				counts, err := s.run(t, t.Context(), items)
				require.NoError(t, err)
				want := importer.Counts{New: 290 - bad, Rejected: bad, Users: 20, Offset: 290}
				if run == 1 {
					want = importer.Counts{Duplicates: 290 - bad, Rejected: bad, Offset: 290}
				}
				require.Equal(t, want, counts)
				require.Len(t, s.rejected, bad)
				require.Equal(t, importer.Rejection{Origin: importer.Origin{File: "hour.json", Line: 1}, Code: "invalid", Message: "is invalid"}, s.rejected[0])
			}
		})
	}
}

func TestUsernames(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t)}
	s.server.Take("taken")
	logins := []string{"plain", "Taken", "same", "Same", "trailing-", "app[bot]", "new", strings.Repeat("x", 33), "x@example.com", "ünï", strings.Repeat("y", 32)}
	s.server.Take(strings.Repeat("y", 32))
	var items []importer.Item
	for n, login := range logins {
		items = append(items, item(t, n, "", person(n, login)))
	}
	s.creators = 1 // "same" comes before "Same"
	counts, err := s.run(t, t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, len(logins), counts.Users)
	name := func(n int) string { return s.server.Users[fmt.Sprintf("github:%d", n)] }
	require.Equal(t, "plain", name(0))
	require.Regexp(t, `^Taken-[a-z0-9]{6}$`, name(1))
	require.Equal(t, "same", name(2))
	require.Regexp(t, `^Same-[a-z0-9]{6}$`, name(3))
	for _, n := range []int{4, 6, 7, 10} {
		require.Regexp(t, `^[a-z]+-[a-z]+[0-9]+$`, name(n), logins[n])
	}
	require.Equal(t, "appbot", name(5))
	require.Equal(t, "x", name(8))
	require.Equal(t, "n", name(9))

	counts, err = s.run(t, t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, importer.Counts{Duplicates: len(logins), Offset: int64(len(logins))}, counts)
}

// A user whom the server will not have costs only the activities that name it.
func TestUserIsRefused(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t)}
	s.server.Refuse("bo")
	counts, err := s.run(t, t.Context(), []importer.Item{
		item(t, 0, "", person(0, "ada")), item(t, 1, "", person(1, "bo")), item(t, 2, "", person(0, "ada"), person(1, "bo")),
	})
	require.NoError(t, err)
	require.Equal(t, importer.Counts{New: 1, Rejected: 2, Users: 1, Offset: 3}, counts)
	require.Len(t, s.rejected, 2)
	require.Equal(t, "the user bo could not be made: the server answered 422: not this one", s.rejected[0].Message)
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t), lines: 10}
	s.server.SetFault(func(r *http.Request) (int, http.Header) {
		if r.URL.Path == "/v1/users" {
			return http.StatusForbidden, nil
		}
		return 0, nil
	})
	_, err := s.run(t, t.Context(), hour(t, 100, 50))
	require.ErrorContains(t, err, "the token may not make users")
}

// A server that is busy, that breaks connections before or after the work, and
// that loses answers: everything once.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := &setup{server: fakeserver.Start(t), lines: 50}
	var n atomic.Int64
	s.server.SetFault(func(*http.Request) (int, http.Header) {
		switch n.Add(1) % 5 {
		case 0:
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}}
		case 1:
			return http.StatusTooManyRequests, nil
		case 2:
			return fakeserver.Lost, nil
		}
		return 0, nil
	})
	items := hour(t, 500, 120)
	counts, err := s.run(t, t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, 500, counts.Done())
	require.Zero(t, counts.Rejected)
	require.Equal(t, 120, counts.Users, "a creation whose answer was lost counts, and makes nobody twice")
	users, activities := s.server.Counts()
	require.Equal(t, [2]int{120, 500}, [2]int{users, activities})
}

// An import that ends anywhere and is run again has everything once.
func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	items := hour(t, 600, 150)
	for stopAt := 1; stopAt < 155; stopAt += 13 {
		t.Run(fmt.Sprint(stopAt), func(t *testing.T) {
			t.Parallel()
			s := &setup{server: fakeserver.Start(t), lines: 60, creators: 4}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var n atomic.Int64
			s.server.SetFault(func(*http.Request) (int, http.Header) {
				if n.Add(1) == int64(stopAt) {
					cancel()
				}
				return 0, nil
			})
			first, err := s.run(t, ctx, items)
			require.ErrorIs(t, err, importer.ErrInterrupted)
			users, activities := s.server.Counts()
			require.Equal(t, [2]int{users, activities}, [2]int{first.Users, first.New}, "what is reported is what is there")

			second, err := s.run(t, t.Context(), items)
			require.NoError(t, err)
			require.Equal(t, 600, first.New+second.New)
			require.Equal(t, first.New, second.Duplicates)
			require.Equal(t, 150, first.Users+second.Users)
		})
	}
}
