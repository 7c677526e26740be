package commands

import (
	"time"

	"github.com/rosterhq/roster/events"
)

// User is the folded state of a user. The zero value is a user that never was.
type User struct {
	ID           string
	Number       int64
	Username     string
	Email        string
	Name         string
	FirstName    string
	LastName     string
	Avatar       string
	Language     string
	LoginType    events.LoginType
	Status       events.Status
	Confirmed    bool
	Roles        []events.Role
	Memberships  []events.Membership
	Identities   []events.Identity
	PasswordHash string
	Epoch        int64 // credentials epoch: sessions and keys of an older one are dead
	Passcode     *Passcode
	SSHKey       *SSHKey
	Providers    map[string]ProviderTokens // by provider: "oidc", "github"
	ReadableKey  string                    // the API key that can be read again, or ""
	Erased       bool                      // nothing personal is left, or ever comes
	CreatedAt    time.Time
	UpdatedAt    time.Time // of the account: profile, names, roles, status
	Preferences  map[string]Preferences
	Keys         map[string]Key
	Commands     []CommandRecord // the newest 64 of the last 24 hours
}

// Preferences of one dialect, by flat name.
type Preferences struct {
	Values    map[string]any
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Passcode stands in for the old password once.
type Passcode struct {
	Hash      []byte
	ExpiresAt time.Time
}

// SSHKey is a user's key pair.
type SSHKey struct {
	PublicKey  string
	PrivateKey string
	CreatedAt  time.Time // of the first pair
	UpdatedAt  time.Time
}

// ProviderTokens are what a provider of identities gave at the last sign-in.
type ProviderTokens struct {
	AccessToken  string
	RefreshToken string
	ExpiresAt    time.Time // of the access token; zero: never
}

// Key is a session or an API key (LoginType token).
type Key struct {
	ID         string
	LoginType  events.LoginType
	Name       string
	Scopes     []string
	AllowList  []events.Resource // empty: everything
	Lifetime   time.Duration     // what each use gives again
	Generation int64             // how often a session was refreshed
	SecretHash []byte
	Epoch      int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ExpiresAt  time.Time // as given; its use may have prolonged it
}

// CommandRecord remembers a command, to answer its repeat.
type CommandRecord struct {
	ID          string
	RequestHash string
	Position    events.Position
	KeyID       string // the session or key that it made
	At          time.Time
}
