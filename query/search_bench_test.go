package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

const (
	manyUsers = 200_000
	samples   = 200
)

// BenchmarkSearch lists 25 of 200,000 users. What counts them is measured apart.
func BenchmarkSearch(b *testing.B) {
	s := newStore(b)
	s.copyUsers(manyUsers)
	q, ctx := s.open(nil), context.Background()
	for _, c := range []struct {
		name string
		UserSearch
	}{
		{"everybody", UserSearch{}},
		{"selective", UserSearch{Text: "lovelace-1234"}},
		{"some", UserSearch{Text: "curie"}},
		{"common", UserSearch{Text: "example.com"}},
		{"one-letter", UserSearch{Text: "e"}},
		{"rare-letter", UserSearch{Text: "q"}},
		{"absent", UserSearch{Text: "nobody-like-this"}},
		{"absent-short", UserSearch{Text: "qq"}},
		{"late", UserSearch{Text: "zuse-"}},
		{"name", UserSearch{Name: "lovelace 1234"}},
		{"role", UserSearch{Text: "a", Roles: rolesOf([]string{"owner"})}},
		{"status", UserSearch{Text: "ada", Statuses: statusesOf("suspended")}},
		{"deep", UserSearch{Text: "e", Offset: 100_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				c.Limit = 25
				list := measure(b, func() error {
					hits, err := q.page(ctx, newSearch(c.UserSearch), c.Limit, c.Offset)
					if err != nil {
						return err
					}
					_, err = q.usersOf(ctx, hits)
					return err
				})
				var n int64
				count := measure(b, func() (err error) {
					n, err = q.count(ctx, newSearch(c.UserSearch), c.Limit, c.Limit, c.Offset)
					return err
				})
				b.ReportMetric(list, "list-p50-ms")
				b.ReportMetric(count, "count-p50-ms")
				b.ReportMetric(float64(n), "fit")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// measure returns the median of what f takes, in milliseconds.
func measure(b *testing.B, f func() error) float64 {
	b.Helper()
	var took []time.Duration
	for began := time.Now(); len(took) < samples && (len(took) < 10 || time.Since(began) < 2*time.Second); {
		at := time.Now()
		require.NoError(b, f())
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Microseconds()) / 1000
}

var (
	firstNames = strings.Fields("Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy Ida Jean Karen Leslie Margaret Niklaus Ole Peter Radia Sophie Tim Ursula Vint Whitfield Yukihiro")
	lastNames  = strings.Fields("Lovelace Turing Liskov Shannon Knuth Dijkstra Allen Hopper Lamarr Rhodes Bartik Jones Lamport Hamilton Wirth Dahl Naur Perlman Wilson Curie Franklin Cerf Diffie Matsumoto")
)

// copyUsers makes users as they come: in no order of their names. A few have roles
// or a place in front of or behind all others.
func (s *store) copyUsers(n int) {
	s.t.Helper()
	ctx, random, now := context.Background(), rand.New(rand.NewPCG(1, 2)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	columns := []string{
		"id", "number", "username", "email", "name", "login_type", "status", "confirmed", "roles", "active_since", "created_at", "updated_at", "position",
	}
	_, err := s.conn.CopyFrom(ctx, pgx.Identifier{"users"}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
		first, last := firstNames[random.IntN(len(firstNames))], lastNames[random.IntN(len(lastNames))]
		name := strings.ToLower(fmt.Sprintf("%s-%s-%d", first, last, i))
		roles := []string{}
		switch {
		case i%20 == 0:
			name = fmt.Sprintf("zuse-%d", i) // 10,000 behind all others
		case i%10_000 == 1:
			roles = []string{"owner"}
		}
		status := "active"
		if i%1000 == 2 {
			status = "suspended"
		}
		at := now.Add(time.Duration(i) * time.Minute)
		var id pgtype.UUID
		err := id.Scan(userID(i))
		return []any{id, i + 1, name, name + "@example.com", fmt.Sprintf("%s %s %d", first, last, i), "password", status, true, roles, at, at, at, 1}, err
	}))
	require.NoError(s.t, err)
	s.exec(insertOrganization, organizationID(1), "coder")
	s.exec(`insert into memberships (user_id, organization_id, roles, joined, place, position) select id, $1, '{}', 1, 1, 1 from users`, organizationID(1))
	s.exec("vacuum analyze")
}
