package projtest

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/projections/runtime"
)

// Rebuild asks for a projection to be built again and waits until it is over.
func (e *Env) Rebuild(p runtime.Projection, r runtime.RebuildRequest) runtime.RebuildStatus {
	e.TB.Helper()
	conn := e.Connect()
	require.NoError(e.TB, runtime.RequestRebuild(context.Background(), conn, p, r))
	copyOf := ""
	if r.Again {
		copyOf = "next"
	}
	return e.AwaitRebuild(conn, p, copyOf)
}

// AwaitRebuild waits until a build is over.
func (e *Env) AwaitRebuild(conn *pgx.Conn, p runtime.Projection, copyOf string) (s runtime.RebuildStatus) {
	e.TB.Helper()
	require.Eventually(e.TB, func() bool {
		s = e.RebuildStatus(conn, p, copyOf)
		return s.State != "" && !s.State.Open()
	}, 10*Patience, 20*time.Millisecond, "the build of %s is over", p.Schema())
	return s
}

// RebuildStatus returns a build; zero when there is none.
func (e *Env) RebuildStatus(conn *pgx.Conn, p runtime.Projection, copyOf string) runtime.RebuildStatus {
	e.TB.Helper()
	all, err := runtime.Rebuilds(context.Background(), conn)
	require.NoError(e.TB, err)
	for _, s := range all {
		if s.Projection == p.Schema() && s.Copy == copyOf {
			return s
		}
	}
	return runtime.RebuildStatus{}
}
