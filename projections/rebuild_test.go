package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/internal/testenv"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// TestRebuildGivesEqualTables builds every read model again beside the serving one,
// from a random history, and compares the tables.
func TestRebuildGivesEqualTables(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			e := projtest.New(t)
			e.Builds = &runtime.Builds{Keep: time.Hour}
			all := projections.All()
			live := e.Run(all...)
			h := projtest.NewHistory(seed + 20)
			for n := range 10 {
				e.AppendAll(h.Take(1 + n*n*8))
				e.AppendAll(h.Activities(12, 1+n*40))
			}
			await(t, e, e.DSN, all)
			before := map[string]string{}
			conn := e.Connect()
			unlimited := int64(0)
			for _, p := range all {
				if p.Migrations == nil {
					require.ErrorIs(t, runtime.RequestRebuild(context.Background(), conn, p, runtime.RebuildRequest{Again: true}), runtime.ErrReaction)
					continue
				}
				before[p.Name] = e.Dump(p)
				require.NoError(t, runtime.RequestRebuild(context.Background(), conn, p, runtime.RebuildRequest{Again: true, MaxRate: &unlimited}))
			}
			for _, p := range all {
				if p.Migrations == nil {
					continue
				}
				s := e.AwaitRebuild(conn, p, "next")
				require.Equal(t, runtime.RebuildDone, s.State, s.Error)
				require.Equal(t, before[p.Name], e.Dump(p), p.Schema())
				var there bool
				require.NoError(t, conn.QueryRow(context.Background(), `select exists (select from pg_namespace where nspname = $1)`, p.Schema()+"_kept").Scan(&there))
				require.True(t, there, "what served before is kept")
			}

			// The workers go on with the new tables.
			e.AppendAll(h.Take(100))
			e.AppendAll(h.Activities(12, 200))
			await(t, e, e.DSN, all)
			live.Stop()
			fresh := testenv.Postgres(t)
			require.NoError(t, runtime.Migrate(context.Background(), fresh, all))
			replay := e.StartOn(fresh, all...)
			await(t, e, fresh, all)
			replay.Stop()
			for _, p := range all {
				require.Equal(t, projtest.DumpOn(t, fresh, p), e.Dump(p), p.Schema())
			}
			parked, err := runtime.Parked(context.Background(), conn, "", 10)
			require.NoError(t, err)
			require.Empty(t, parked)
		})
	}
}
