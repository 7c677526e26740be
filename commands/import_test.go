package commands_test

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

const importedKeySecret = "abcdefghijklmnopqrstuv"

// mover is a user with everything that can be brought along.
func mover(n int) commands.ImportUser {
	name := fmt.Sprint("mover", n)
	return commands.ImportUser{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String(), Number: int64(n), Username: name, Email: name + "@Example.com",
		Name: "A Mover", FirstName: "A", LastName: "Mover", Avatar: "https://example.com/a.png", Language: "ru",
		Roles:         []events.Role{events.RoleAuditor},
		Organizations: []commands.ImportMembership{{Name: "acme", DisplayName: "ACME Inc", Roles: []string{events.OrganizationAdmin}}, {Name: "default"}},
		Identities:    []events.Identity{{Provider: "github", Subject: name}},
		Preferences:   []commands.ImportPreferences{{Dialect: "abf-notifiers", Values: map[string]any{"can_notify": false}}},
		Keys:          []commands.ImportKey{{ID: fmt.Sprintf("k%09d", n), SecretHash: commands.HashSecret(importedKeySecret), Name: "ci", Lifetime: time.Hour}},
		ReadableKey:   fmt.Sprintf("%064x", n), CreatedAt: time.Date(2019, 5, 3, 10, 0, 0, 0, time.UTC),
	}
}

func TestMovingIn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, s := context.Background(), service(t, log)
		c := mover(4711)
		res, err := s.ImportUser(ctx, system, c)
		require.NoError(t, err)
		require.True(t, res.Changed)
		require.False(t, res.Repeated)
		u := res.User
		require.Equal(t, c.ID, u.ID)
		require.Equal(t, c.Number, u.Number)
		require.Equal(t, c.CreatedAt, u.CreatedAt)
		require.Equal(t, c.Roles, u.Roles)
		require.True(t, u.Confirmed)
		acme, err := s.FindOrganization(ctx, "ACME")
		require.NoError(t, err)
		require.Equal(t, "ACME Inc", acme.DisplayName)
		require.Equal(t, []events.Membership{{Organization: acme.ID, Roles: []string{events.OrganizationAdmin}}, {Organization: s.DefaultOrganization()}}, u.Memberships)
		require.Equal(t, false, u.Preferences["abf-notifiers"].Values["can_notify"])
		require.Equal(t, commands.HashSecret(importedKeySecret), u.Keys["k000004711"].SecretHash)
		found, err := s.UserByReadableKey(ctx, c.ReadableKey)
		require.NoError(t, err)
		require.Equal(t, u.ID, found.ID)
		found, err = s.Find(ctx, commands.UserRef{Email: "MOVER4711@example.com"})
		require.NoError(t, err)
		require.Equal(t, u.ID, found.ID)
		require.EqualValues(t, 4712, register(t, s, "own", nil).Number, "own numbers go on behind")

		_, err = s.UpdateUser(ctx, system, commands.UpdateUser{UserID: u.ID, Name: text("Another")})
		require.NoError(t, err)
		for _, again := range []*commands.Service{s, service(t, log)} {
			res, err = again.ImportUser(ctx, system, c)
			require.NoError(t, err)
			require.True(t, res.Repeated)
			require.Equal(t, "Another", res.User.Name, "a repeat takes nothing back")
		}
		other := c
		other.Name = "Other"
		_, err = s.ImportUser(ctx, system, other)
		refused(t, err, commands.Conflict, "id")
		_, err = service(t, log).ImportUser(ctx, system, other)
		refused(t, err, commands.Conflict, "id")
		_, err = s.Delete(ctx, system, u.ID)
		require.NoError(t, err)
		res, err = service(t, log).ImportUser(ctx, system, c)
		require.NoError(t, err)
		require.True(t, res.Repeated)
		require.Equal(t, events.StatusDeleted, res.User.Status, "who was deleted stays so")
	})
}

// A day later the state remembers no command any more; the log does.
func TestMovingInAgainLater(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx, now := context.Background(), time.Now()
		s := serviceAt(t, log, func() time.Time { return now })
		_, err := s.ImportUser(ctx, system, mover(1))
		require.NoError(t, err)
		now = now.Add(48 * time.Hour)
		res, err := s.ImportUser(ctx, system, mover(1))
		require.NoError(t, err)
		require.True(t, res.Repeated)
		other := mover(1)
		other.Language = "en"
		_, err = s.ImportUser(ctx, system, other)
		refused(t, err, commands.Conflict, "id")
	})
}

func TestMovingInWithoutIDs(t *testing.T) {
	t.Parallel()
	s, log := onMemory(t)
	ctx := context.Background()
	for i, c := range []commands.ImportUser{{Number: 7, Username: "seven"}, {Number: 9, Username: "Grace Hopper@example.com"}, {Username: "nameonly"}} {
		first, err := s.ImportUser(ctx, system, c)
		require.NoError(t, err)
		again, err := service(t, log).ImportUser(ctx, system, c)
		require.NoError(t, err)
		require.True(t, again.Repeated)
		require.Equal(t, first.User.ID, again.User.ID)
		require.Equal(t, first.User.Username, again.User.Username)
		require.Equal(t, []string{"seven", "GraceHopper", "nameonly"}[i], first.User.Username)
	}
}

func TestWhoMayMoveUsersIn(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	limited := commands.Request{Actor: commands.Actor{UserID: "x", Roles: []events.Role{events.RoleOwner}, Scopes: []string{commands.ScopeUsersWrite}}}
	admin := commands.Request{Actor: commands.Actor{UserID: "x", Roles: []events.Role{events.RoleUserAdmin}, Scopes: []string{commands.ScopeAll}}}
	for _, r := range []commands.Request{anyone, limited, admin} {
		_, err := s.ImportUser(context.Background(), r, mover(1))
		refused(t, err, commands.Forbidden, string(commands.ImportUsers))
		refused(t, s.SetNumbersAside(context.Background(), r, 5), commands.Forbidden, string(commands.ImportUsers))
	}
	owner := limited
	owner.Actor.Scopes = []string{commands.ScopeAll}
	_, err := s.ImportUser(context.Background(), owner, mover(1))
	require.NoError(t, err)
}

func TestWhatCanNotMoveIn(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	for field, spoil := range map[string]func(*commands.ImportUser){
		"id":                     func(c *commands.ImportUser) { c.ID = "no" },
		"number":                 func(c *commands.ImportUser) { c.Number = commands.MaxImportedNumber + 1 },
		"username":               func(c *commands.ImportUser) { c.Username = "" },
		"email":                  func(c *commands.ImportUser) { c.Email = "no" },
		"passwordHash":           func(c *commands.ImportUser) { c.PasswordHash = "$1$md5" },
		"loginType":              func(c *commands.ImportUser) { c.LoginType = "saml" },
		"status":                 func(c *commands.ImportUser) { c.Status = "gone" },
		"roles":                  func(c *commands.ImportUser) { c.Roles = []events.Role{"king"} },
		"organizations[0].name":  func(c *commands.ImportUser) { c.Organizations[0].Name = "not a slug" },
		"organizations[0].roles": func(c *commands.ImportUser) { c.Organizations[0].Roles = []string{"king"} },
		"identities":             func(c *commands.ImportUser) { c.Identities = []events.Identity{{Provider: "Git Hub"}} },
		"preferences.abf-notifiers.can_notify": func(c *commands.ImportUser) {
			c.Preferences = []commands.ImportPreferences{{Dialect: "abf-notifiers", Values: map[string]any{"can_notify": "yes"}}}
		},
		"keys[0].id":         func(c *commands.ImportUser) { c.Keys[0].ID = "short" },
		"keys[0].secretHash": func(c *commands.ImportUser) { c.Keys[0].SecretHash = []byte{1} },
		"keys[0].scopes":     func(c *commands.ImportUser) { c.Keys[0].Scopes = []string{"everything"} },
		"readableKey":        func(c *commands.ImportUser) { c.ReadableKey = "short" },
		"createdAt":          func(c *commands.ImportUser) { c.CreatedAt = time.Now().Add(time.Hour) },
	} {
		c := mover(5)
		spoil(&c)
		_, err := s.ImportUser(ctx, system, c)
		e := refused(t, err, commands.Invalid, "")
		require.Equal(t, field, e.Fields[0].Field, "%v", e.Fields)
	}
	_, err := s.FindOrganization(ctx, "acme")
	refused(t, err, commands.NotFound, "organization")

	_, err = s.ImportUser(ctx, system, mover(5))
	require.NoError(t, err)
	for field, claim := range map[string]func(c *commands.ImportUser, of commands.ImportUser){
		"username":    func(c *commands.ImportUser, of commands.ImportUser) { c.Username = strings.ToUpper(of.Username) },
		"email":       func(c *commands.ImportUser, of commands.ImportUser) { c.Email = strings.ToLower(of.Email) },
		"number":      func(c *commands.ImportUser, of commands.ImportUser) { c.Number = of.Number },
		"identities":  func(c *commands.ImportUser, of commands.ImportUser) { c.Identities = of.Identities },
		"keys":        func(c *commands.ImportUser, of commands.ImportUser) { c.Keys = of.Keys },
		"readableKey": func(c *commands.ImportUser, of commands.ImportUser) { c.ReadableKey = of.ReadableKey },
	} {
		c := mover(6)
		claim(&c, mover(5))
		_, err := s.ImportUser(ctx, system, c)
		e := refused(t, err, commands.Conflict, "taken")
		require.Equal(t, field, e.Fields[0].Field)
	}
	own := register(t, s, "own", nil)
	c := mover(8)
	c.Number = own.Number
	_, err = s.ImportUser(ctx, system, c)
	refused(t, err, commands.Conflict, "number")
	c = mover(8)
	c.ID = own.ID
	_, err = s.ImportUser(ctx, system, c)
	refused(t, err, commands.Conflict, "id")
	c.Number = 1000
	_, err = s.ImportUser(ctx, system, c)
	refused(t, err, commands.Conflict, "id")
}

func TestNumbersFrom(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		for range 2 {
			_, err := commands.NewService(ctx, commands.Config{Log: log, PasswordParams: cheap, NumbersFrom: 1001})
			require.NoError(t, err)
		}
		s := service(t, log)
		require.EqualValues(t, 1001, register(t, s, "own", nil).Number)
		for _, n := range []int{1000, 3, 999} {
			res, err := s.ImportUser(ctx, system, mover(n))
			require.NoError(t, err)
			require.EqualValues(t, n, res.User.Number)
		}
	})
}

// Users come in from any side of the file while others register.
func TestNumbersNeverCollide(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		services := []*commands.Service{service(t, log), service(t, log)}
		var mu sync.Mutex
		seen := map[int64]string{}
		note := func(u commands.User) {
			mu.Lock()
			defer mu.Unlock()
			require.Empty(t, seen[u.Number], "number %d twice", u.Number)
			seen[u.Number] = u.Username
		}
		require.NoError(t, services[0].SetNumbersAside(ctx, system, 100))
		each(200, func(i int) {
			if i%2 == 0 {
				note(register(t, services[i/2%2], fmt.Sprint("own", i), nil))
				return
			}
			res, err := services[i/2%2].ImportUser(ctx, system, mover(1+(i*37)%100))
			require.NoError(t, err)
			if !res.Repeated {
				note(res.User)
			}
		})
		require.Len(t, seen, 150, "50 different movers") // 37 and 100 have no common divisor; odd i give every second number
	})
}

func TestHashesFromElsewhereSignIn(t *testing.T) {
	t.Parallel()
	const password = "correct horse"
	made, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	salt := []byte("saltsaltsaltsalt")
	derived := func(length int) []byte {
		key, err := pbkdf2.Key(sha256.New, password, salt, 1000, length)
		require.NoError(t, err)
		return key
	}
	argon, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 128, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	s, _ := onMemory(t)
	number := 0
	for source, hash := range map[string]string{
		"devise": string(made), "node": strings.Replace(string(made), "$2a$", "$2b$", 1), "argon2id": argon,
		"coder":  "$pbkdf2-sha256$1000$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(derived(64)),
		"django": "pbkdf2_sha256$1000$" + string(salt) + "$" + base64.StdEncoding.EncodeToString(derived(32)),
	} {
		number++
		c := mover(number)
		c.PasswordHash = hash
		res, err := s.ImportUser(context.Background(), system, c)
		require.NoError(t, err, source)
		require.Equal(t, hash, res.User.PasswordHash)
		_, err = s.SignIn(context.Background(), anyone, commands.SignIn{Email: c.Email, Password: "wrong"})
		refused(t, err, commands.Unauthenticated, "credentials")
		in, err := s.SignIn(context.Background(), anyone, commands.SignIn{Email: c.Email, Password: password})
		require.NoError(t, err, source)
		require.True(t, strings.HasPrefix(in.User.PasswordHash, "$argon2id$v=19$m=64,"), "%s: made anew: %s", source, in.User.PasswordHash)
		_, err = s.SignIn(context.Background(), anyone, commands.SignIn{Email: c.Email, Password: password})
		require.NoError(t, err, source)
	}
}
