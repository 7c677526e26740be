package commands_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
)

// BenchmarkExecute is what a command costs beside the log: load, authorize,
// decide, encode and seal, fold. The users are many, since the log in memory gets
// slower with the length of one user's history.
func BenchmarkExecute(b *testing.B) {
	s := service(b, logs["memory"](b))
	users := make([]commands.User, 512)
	for i := range users {
		users[i] = register(b, s, fmt.Sprint("u", i), nil)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		u := users[i%len(users)]
		_, err := s.UpdatePreferences(context.Background(), as(u, ""), commands.UpdatePreferences{
			UserID: u.ID, Dialect: "codimir", Changes: map[string]any{"notifications": i/len(users)%2 == 0},
		})
		require.NoError(b, err)
	}
}

// BenchmarkRegister is the same of a registration without a password.
func BenchmarkRegister(b *testing.B) {
	s := service(b, logs["memory"](b))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := s.Register(context.Background(), system, commands.Register{Username: fmt.Sprint("u", i), Email: fmt.Sprintf("u%d@example.com", i)})
		require.NoError(b, err)
	}
}

// BenchmarkSignIn has the real costs of password hashing.
func BenchmarkSignIn(b *testing.B) {
	log := logs["memory"](b)
	s, err := commands.NewService(context.Background(), commands.Config{Log: log})
	require.NoError(b, err)
	register(b, s, "ann", nil)
	for b.Loop() {
		_, err := s.SignIn(context.Background(), anyone, commands.SignIn{Username: "ann", Password: "correct horse"})
		require.NoError(b, err)
	}
}
