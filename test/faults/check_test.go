package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/runtime"
)

// findings are the figures of a check.
type findings struct {
	messages map[events.Stream]uint64
	rows     int64
	lost     int // acknowledged, and not in the log
	doubled  int
	undone   int // refused, and in the log
	came     int // never answered, and in the log
}

// auditor looks at log and read models directly, without the proxies.
type auditor struct {
	t       *testing.T
	log     *eventlog.Log
	nc      *nats.Conn
	closed  chan struct{} // once the connection is
	db      *pgx.Conn
	dsn     string
	history *history
	found   findings
	events  map[string][]events.Stored // by the id of the write
}

func (s *stack) check(t *testing.T, h *history, l *load) findings {
	t.Helper()
	a := newAuditor(t, s.direct(), s.postgres.dsn(), h)
	defer a.close()
	require.NoError(t, a.settle(false))
	a.readLog()
	a.writes()
	a.followers(l.followers)
	a.revoked(l.workers)
	a.names()
	a.models()
	return a.found
}

func newAuditor(t *testing.T, natsURL, dsn string, h *history) *auditor {
	t.Helper()
	closed := make(chan struct{})
	nc, err := nats.Connect(natsURL, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	require.NoError(t, err)
	log := openLog(t, nc)
	db, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	return &auditor{
		t: t, log: log, nc: nc, closed: closed, db: db, dsn: dsn, history: h, events: map[string][]events.Stored{},
		found: findings{messages: map[events.Stream]uint64{}},
	}
}

// openLog waits for a cluster whose streams have no leader yet: questions may be lost
// until then.
func openLog(t *testing.T, nc *nats.Conn) *eventlog.Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		log, err := tryLog(ctx, nc)
		if err == nil {
			return log
		}
		require.NoError(t, ctx.Err(), err)
		pause(ctx, repeatPause)
	}
}

func tryLog(ctx context.Context, nc *nats.Conn) (*eventlog.Log, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return eventlog.Open(ctx, nc, eventlog.Options{MasterKey: testenv.MasterKey()})
}

func (a *auditor) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(a.t, errors.Join(a.log.Close(ctx), a.db.Close(ctx)))
	a.nc.Close()
	<-a.closed
}

// readLog gathers what each write left. Reactions carry the reason of what they
// react to; they are no effect of the write.
func (a *auditor) readLog() {
	a.t.Helper()
	for _, stream := range []events.Stream{events.Roster, events.Activity} {
		err := a.log.Scan(a.t.Context(), stream, 0, 0, func(e events.Stored) error {
			a.found.messages[stream]++
			if e.Meta.Reason != "" && e.Meta.CausationID == "" {
				a.events[e.Meta.Reason] = append(a.events[e.Meta.Reason], e)
			}
			return nil
		})
		require.NoError(a.t, err)
	}
}

// writes compares what was answered with what the log holds.
func (a *auditor) writes() {
	newest := map[string]uint64{} // of each subject
	for _, w := range a.history.writes {
		left := a.events[w.id]
		effects := 0
		for _, e := range left {
			if e.Meta.Type == w.kind.leaves() {
				effects++
			}
			if e.Meta.CommandID != left[0].Meta.CommandID {
				a.history.violated("%s %s was decided twice: %v and %v", w.kind, w.id, left[0].Position(), e.Position())
			}
		}
		switch {
		case effects > 1:
			a.found.doubled++
			a.history.violated("%s %s is in the log %d times", w.kind, w.id, effects)
		case w.outcome == acknowledged && effects == 0:
			a.found.lost++
			a.history.violated("%s %s was acknowledged (%d, %s) after %d tries and is not in the log", w.kind, w.id, w.status, w.position, w.tries)
		case w.outcome == refused && len(left) > 0:
			a.found.undone++
			a.history.violated("%s %s was refused (%d) after %d tries and is in the log at %v", w.kind, w.id, w.status, w.tries, left[0].Position())
		case w.outcome == unknown && effects > 0:
			a.found.came++
		}
		if w.outcome == acknowledged && effects == 1 {
			a.order(w, left[len(left)-1], newest)
		}
	}
}

// order checks that the position is that of the write's last event, and that what
// was asked one after another happened so.
func (a *auditor) order(w write, last events.Stored, newest map[string]uint64) {
	if w.position != "" && w.position != last.Position().String() {
		a.history.violated("%s %s was answered with position %s and lies at %s", w.kind, w.id, w.position, last.Position())
	}
	subject := string(last.Stream) + w.subject
	if last.Sequence <= newest[subject] {
		a.history.violated("%s %s lies at %s, before what was answered earlier", w.kind, w.id, last.Position())
	}
	newest[subject] = last.Sequence
}

// settle waits until every read model is at the end of the log, having parked nothing,
// unless it may.
func (a *auditor) settle(mayPark bool) error {
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	return await(ctx, func() error {
		all, err := runtime.Status(ctx, a.db, a.log.Head, projections.All())
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.Lag > 0 || s.Stopped != "" || (s.Parked > 0 && !mayPark) {
				return fmt.Errorf("%s is %d behind, %d parked, stopped: %q", s.Name, s.Lag, s.Parked, s.Stopped)
			}
		}
		return nil
	})
}

// followers must have got every activity once and in order.
func (a *auditor) followers(all []*follower) {
	a.t.Helper()
	var want []uint64
	require.NoError(a.t, a.log.Scan(a.t.Context(), events.Activity, 0, 0, func(e events.Stored) error {
		want = append(want, e.Sequence)
		return nil
	}))
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	for _, f := range all {
		err := await(ctx, func() error {
			if len(want) > 0 && f.reached() < want[len(want)-1] {
				return fmt.Errorf("it is at %d of %d", f.reached(), want[len(want)-1])
			}
			return nil
		})
		if err != nil {
			a.history.violated("stream of %s: %v", f.base, err)
			continue
		}
		f.mu.Lock()
		for i := range min(len(want), len(f.got)) {
			if f.got[i] != want[i] {
				a.history.violated("stream of %s: activity %d came where %d was next", f.base, f.got[i], want[i])
				break
			}
		}
		if len(f.got) != len(want) {
			a.history.violated("stream of %s: %d activities came of %d", f.base, len(f.got), len(want))
		}
		f.mu.Unlock()
	}
}

// revoked keys work nowhere in the end.
func (a *auditor) revoked(all []*worker) {
	for _, w := range all {
		for _, k := range w.revoked {
			for _, c := range w.nodes {
				got, err := c.do(a.t.Context(), call{method: http.MethodGet, path: "/v1/users/me", token: k.token})
				if err != nil || got.status != http.StatusUnauthorized {
					a.history.violated("a key that was revoked %s ago is answered with %d, %v", time.Since(k.at), got.status, err)
				}
			}
		}
	}
}

// models compares each with a fresh replay, row by row.
func (a *auditor) models() {
	a.t.Helper()
	for _, p := range projections.All() {
		if p.Migrations == nil {
			continue
		}
		compared, err := runtime.Compare(a.t.Context(), runtime.Config{
			NATS: a.nc, DSN: a.dsn, Keys: a.log, Logger: zap.NewNop(), Projections: projections.All(),
			StreamName:  func(s events.Stream) string { return eventlog.StreamName("", s) },
			EventFilter: func(s events.Stream) string { return eventlog.EventFilter("", s) },
		}, p)
		require.NoError(a.t, err)
		for _, table := range compared.Tables {
			a.found.rows += table.Rows
		}
		if !compared.Equal() {
			a.history.violated("%s differs from a replay: %+v", p.Schema(), compared.Tables)
		}
	}
}

// names checks that names are unique, and that claims and users say the same.
func (a *auditor) names() {
	a.t.Helper()
	held := map[string]string{} // by subject of the claim
	require.NoError(a.t, a.log.ScanMessages(a.t.Context(), events.Roster, 0, 0, func(m events.Stored) error {
		if strings.HasPrefix(m.Subject, "roster.claim.username.") || strings.HasPrefix(m.Subject, "roster.claim.email.") {
			held[m.Subject] = string(m.Data)
		}
		return nil
	}))
	rows, err := a.db.Query(a.t.Context(), `select id::text, username, email from users_v2.users where status <> 'deleted'`)
	require.NoError(a.t, err)
	type user struct{ ID, Username, Email string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[user])
	require.NoError(a.t, err)
	owners := map[string]string{}
	for _, u := range all {
		for kind, value := range map[string]string{"username": u.Username, "email": u.Email} {
			if value == "" {
				continue
			}
			subject := "roster.claim." + kind + "." + a.log.KeyedHash("claim/"+kind, strings.ToLower(value))
			if other := owners[subject]; other != "" {
				a.history.violated("%s %q is had by %s and %s", kind, value, u.ID, other)
			}
			owners[subject] = u.ID
			if held[subject] != u.ID {
				a.history.violated("%s %q of %s is claimed by %q", kind, value, u.ID, held[subject])
			}
		}
	}
	for subject, holder := range held {
		if holder != "" && owners[subject] != holder {
			a.history.violated("%s is held by %s, who does not have it", subject, holder)
		}
	}
}
