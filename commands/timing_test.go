package commands_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

// toldApart is how often a guess is right that takes the faster one of two for those of
// unknown users: half of the time is chance.
func toldApart(known, unknown []time.Duration) float64 {
	right := 0.0
	for _, k := range known {
		for _, u := range unknown {
			switch cmp.Compare(u, k) {
			case -1:
				right++
			case 0:
				right += 0.5
			}
		}
	}
	return right / float64(len(known)*len(unknown))
}

// TestTheTimeOfALoginTellsNothing compares, in turns, logins of users who are there
// and of others with a wrong password. The hash is much cheaper than in
// use, and there is no network: who measures from outside sees far less.
func TestTheTimeOfALoginTellsNothing(t *testing.T) {
	ctx := context.Background()
	s, err := commands.NewService(ctx, commands.Config{
		Log: logs["nats"](t), Clock: time.Now, PasswordParams: commands.PasswordParams{MemoryKiB: 1024, Iterations: 1, Parallelism: 1},
	})
	require.NoError(t, err)
	const users, rounds = 40, 8
	for i := range users {
		register(t, s, fmt.Sprintf("known-%d", i), nil)
	}
	ways := map[string]func(commands.SignIn) error{
		"SignIn":        func(c commands.SignIn) error { _, err := s.SignIn(ctx, commands.Request{}, c); return err },
		"CheckPassword": func(c commands.SignIn) error { _, err := s.CheckPassword(ctx, c); return err },
	}
	for name, way := range ways {
		took := map[bool][]time.Duration{}
		try := func(known bool, i int) {
			who := map[bool]string{true: "known", false: "ghost"}[known]
			c := commands.SignIn{Username: fmt.Sprintf("%s-%d", who, i), Password: "wrong horse"}
			began := time.Now()
			err := way(c)
			took[known] = append(took[known], time.Since(began))
			refused(t, err, commands.Unauthenticated, "credentials")
		}
		for range rounds {
			for _, i := range rand.Perm(users) {
				first := rand.N(2) == 0
				try(first, i)
				try(!first, i)
			}
		}
		right := toldApart(took[true], took[false])
		for _, d := range took {
			slices.Sort(d)
		}
		t.Logf("%s: median %s known, %s unknown; told apart %.2f", name, took[true][len(took[true])/2], took[false][len(took[false])/2], right)
		require.InDelta(t, 0.5, right, 0.15, name)
	}
}
