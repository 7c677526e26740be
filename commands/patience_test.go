package commands_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// mute is a log that stops to answer.
type mute struct {
	commands.Log
	silent bool
}

func (m *mute) Append(ctx context.Context, c events.Commit) (uint64, error) {
	if !m.silent {
		return m.Log.Append(ctx, c)
	}
	<-ctx.Done()
	return 0, fmt.Errorf("%w: %w", events.ErrUnavailable, ctx.Err())
}

func (m *mute) Reserve(ctx context.Context, counter string, n int64) (int64, error) {
	if !m.silent {
		return m.Log.Reserve(ctx, counter, n)
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestWhoAsksAMuteLogIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &mute{Log: logs["memory"](t)}
		s := service(t, log)
		u := register(t, s, "ann", nil)
		log.silent = true
		for name, command := range map[string]func(context.Context) error{
			"update": func(ctx context.Context) error {
				_, err := s.UpdateUser(ctx, as(u, ""), commands.UpdateUser{UserID: u.ID, Name: text("Ann")})
				return err
			},
			"register": func(ctx context.Context) error {
				_, err := s.Register(ctx, system, commands.Register{Username: "bob"})
				return err
			},
		} {
			began := time.Now()
			refused(t, command(context.Background()), commands.Unavailable, "log")
			require.Less(t, time.Since(began), 10*time.Second, name)
		}
	})
}
