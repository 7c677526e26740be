package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// keyed is a log that tells data keys, as the one who shows a history needs them.
type keyed interface {
	DataKey(ctx context.Context, userID string) (*events.DataKey, error)
}

// told is a line of a history.
type told struct {
	who, what, address, why string
}

func historyOf(t *testing.T, log commands.Log, a events.Aggregate) []told {
	t.Helper()
	ctx := context.Background()
	recorded, err := log.Read(ctx, a, 1)
	require.NoError(t, err)
	var out []told
	for _, e := range recorded {
		if owner := e.ClientOwner(); owner != "" {
			key, err := log.(keyed).DataKey(ctx, owner)
			require.NoError(t, err)
			require.NoError(t, e.OpenClient(key))
		}
		require.WithinDuration(t, time.Now(), e.Time, time.Minute)
		out = append(out, told{who: e.Actor, what: string(e.Type), address: e.Client, why: e.Reason})
	}
	return out
}

// Who, what, when, from which address and why: from the log alone.
func TestHistoryTellsWhoDidWhatFromWhereAndWhy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		boss, err := s.RegisterFirst(ctx, commands.Request{IP: "192.0.2.1", Reason: "set up"}, commands.Register{Username: "boss", Email: "boss@example.com", Password: "correct horse"})
		require.NoError(t, err)
		by := func(u commands.User, ip, why string) commands.Request {
			r := as(u, "")
			r.IP, r.Reason = ip, why
			return r
		}
		res, err := s.Register(ctx, by(boss.User, "192.0.2.2", "joins us"), commands.Register{
			Username: "ann", Password: "correct horse", Status: events.StatusDormant, SSHKey: true,
		})
		require.NoError(t, err)
		ann := res.User
		_, err = s.Wake(ctx, by(ann, "2001:db8::1", ""), ann.ID)
		require.NoError(t, err)
		_, err = s.SignIn(ctx, commands.Request{IP: "2001:db8::2"}, commands.SignIn{Username: "ann", Password: "correct horse"})
		require.NoError(t, err)
		_, err = s.CreateKey(ctx, by(ann, "2001:db8::3", "for CI"), commands.CreateKey{UserID: ann.ID, Name: "ci"})
		require.NoError(t, err)
		_, err = s.PutToSleep(ctx, system, ann.ID, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		require.NoError(t, err)
		_, err = s.Suspend(ctx, by(boss.User, "192.0.2.4", "left"), ann.ID)
		require.NoError(t, err)
		require.Equal(t, []told{
			{boss.User.ID, "roster.user.registered.v1", "192.0.2.2", "joins us"},
			{boss.User.ID, "roster.user.ssh-key-generated.v1", "192.0.2.2", "joins us"},
			{ann.ID, "roster.user.activated.v1", "2001:db8::1", "used while dormant"},
			{ann.ID, "roster.user.session-opened.v1", "2001:db8::2", ""},
			{ann.ID, "roster.user.key-created.v2", "2001:db8::3", "for CI"},
			{"system", "roster.user.became-dormant.v1", "", "not used since 2026-01-02T03:04:05Z"},
			{boss.User.ID, "roster.user.suspended.v1", "192.0.2.4", "left"},
		}, historyOf(t, log, events.Aggregate{Kind: events.User, ID: ann.ID}))
		require.Equal(t, []told{{boss.User.ID, "roster.user.registered.v1", "192.0.2.1", "set up"}},
			historyOf(t, log, events.Aggregate{Kind: events.User, ID: boss.User.ID}))

		made, err := s.CreateOrganization(ctx, by(boss.User, "192.0.2.5", "a new team"), commands.CreateOrganization{Name: "team"})
		require.NoError(t, err)
		require.Equal(t, []told{{boss.User.ID, "roster.organization.created.v2", "192.0.2.5", "a new team"}},
			historyOf(t, log, events.Aggregate{Kind: events.Organization, ID: made.Organization.ID}))

		// The installation acts for whoever is concerned.
		signedUp, err := s.Register(ctx, commands.Request{Actor: system.Actor, IP: "198.51.100.1", Reason: "sign-up"}, commands.Register{Username: "bob"})
		require.NoError(t, err)
		require.Equal(t, []told{{"system", "roster.user.registered.v1", "198.51.100.1", "sign-up"}},
			historyOf(t, log, events.Aggregate{Kind: events.User, ID: signedUp.User.ID}))
	})
}
