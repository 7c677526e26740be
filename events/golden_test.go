package events_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

var writeMissing = flag.Bool("write-missing", false, "write golden files of event types that have none yet; existing ones are never touched")

// golden is a stored message: what some release wrote, and what it must decode
// to for ever.
type golden struct {
	Headers events.Headers  `json:"headers"`
	Data    json.RawMessage `json:"data"`
	// Clear and Private are the payload as decoded, by part.
	Clear   json.RawMessage `json:"clear"`
	Private json.RawMessage `json:"private,omitempty"`
}

// goldenKey is the data key of the golden files: fixed, since they hold sealed
// parts.
func goldenKey(t *testing.T) *events.DataKey {
	t.Helper()
	key, err := events.NewDataKey([]byte("golden files are sealed with it!"))
	require.NoError(t, err)
	return key
}

// TestGoldenFilesDecodeForEver reads a message of every released type and
// version. A file, once there, never changes: add a version instead.
func TestGoldenFilesDecodeForEver(t *testing.T) {
	t.Parallel()
	c := events.Released()
	for _, typ := range c.Types() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", "golden", string(typ)+".json")
			raw, err := os.ReadFile(file)
			if os.IsNotExist(err) && *writeMissing {
				raw = writeGolden(t, c, typ, file)
			} else {
				require.NoError(t, err, "every released type has a golden file; write it with -write-missing")
			}
			var g golden
			require.NoError(t, json.Unmarshal(raw, &g))
			m, err := events.DecodeMeta(g.Headers)
			require.NoError(t, err)
			require.Equal(t, typ, m.Type)
			newest, err := c.Decode(&m, g.Data, goldenKey(t))
			require.NoError(t, err)
			current, known := c.Current(typ)
			require.True(t, known)
			require.Equal(t, current, newest.EventType())
			p, err := c.New(typ) // as its own version had it
			require.NoError(t, err)
			require.NoError(t, c.DecodeInto(&m, g.Data, goldenKey(t), p))
			clearPart, private := parts(t, p)
			require.JSONEq(t, string(g.Clear), string(clearPart))
			if len(g.Private) > 0 {
				require.JSONEq(t, string(g.Private), string(private))
			}
		})
	}
}

func TestGoldenFilesHaveTypes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(events.Released().Types()), "a released type may not disappear")
}

func parts(t *testing.T, p events.Payload) (clearPart, private []byte) {
	t.Helper()
	clearPart, err := json.Marshal(p)
	require.NoError(t, err)
	private, err = json.Marshal(events.PrivatePart(p))
	require.NoError(t, err)
	return clearPart, private
}

func writeGolden(t *testing.T, c *events.Catalogue, typ events.Type, file string) []byte {
	t.Helper()
	p := examples()[typ]
	require.NotNil(t, p, "no example of %s", typ)
	m := meta(p)
	m.ID = "0190c3a8-1111-7000-8000-000000000001"
	if events.PrivatePart(p) == nil {
		m.SealedFor = ""
	}
	h, data, err := events.Encode(&m, p, goldenKey(t))
	require.NoError(t, err)
	g := golden{Headers: h, Data: data}
	g.Clear, g.Private = parts(t, p)
	if events.PrivatePart(p) == nil {
		g.Private = nil
	}
	raw, err := json.MarshalIndent(g, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, append(raw, '\n'), 0o644))
	return raw
}

// examples has a full example of each newest version, for the first golden file.
func examples() map[events.Type]events.Payload {
	at := time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)
	text := func(s string) *string { return &s }
	key := events.UserKeyPrivate{SecretHash: []byte{1, 2, 3}, Name: "ci", IP: "192.0.2.1", UserAgent: "curl/8"}
	out := map[events.Type]events.Payload{}
	for _, p := range []events.Payload{
		&events.OrganizationCreated{
			Number: 1, Name: "coder", DisplayName: "Coder", Description: "Everybody", Icon: "/icon/coder.svg", Default: true,
		},
		&events.OrganizationUpdated{Name: text("acme"), DisplayName: text("Acme"), Description: text(""), Icon: text("/icon/a.svg")},
		&events.OrganizationDeleted{},
		&events.WorkspaceCreated{
			Number: 7, Name: "main", DisplayName: "Main", Owner: "0190c3a8-0000-7000-8000-00000000000a", Locations: []string{"eu-1"},
		},
		&events.WorkspaceUpdated{
			Name: text("prod"), DisplayName: text(""), Owner: text("0190c3a8-0000-7000-8000-00000000000b"), Locations: &[]string{"eu-1", "us-1"},
		},
		&events.WorkspacePermissionGranted{Grantee: events.Grantee{User: "0190c3a8-0000-7000-8000-00000000000b"}, Role: events.WorkspaceReadWrite},
		&events.WorkspacePermissionRevoked{Grantee: events.Grantee{Group: "0190c3a8-0000-7000-8000-0000000000dd"}},
		&events.WorkspaceDeleted{},
		&events.GroupCreated{Number: 3, Name: "operators"}, &events.GroupRenamed{Name: "on-call"},
		&events.GroupMemberAdded{User: "0190c3a8-0000-7000-8000-00000000000b"},
		&events.GroupMemberRemoved{User: "0190c3a8-0000-7000-8000-00000000000b"}, &events.GroupDeleted{},
		&events.UserConfirmed{}, &events.UserSessionRefreshed{KeyID: "k123456789", Generation: 1, ExpiresAt: at},
		&events.UserReadableKeySet{Sealed: events.Seal(events.UserReadableKeyPrivate{
			Key: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		})},
		&events.SkillCreated{
			Sealed: events.Seal(events.SkillCreatedPrivate{
				Name: "review", Description: "How I review", Content: "---\nname: review\ndescription: How I review\n---\nBe kind.\n",
			}),
			Owner: "0190c3a8-0000-7000-8000-00000000000a",
		},
		&events.SkillUpdated{Sealed: events.Seal(events.SkillUpdatedPrivate{Content: "---\nname: review\n---\nBe quick.\n"})},
		&events.SkillDeleted{},
		&events.ActivityRecorded{
			Sealed: events.Seal(events.ActivityPrivate{
				EntityTitle: "Fix login bug", EntityURL: "https://example.com/t/1", ProjectName: "Web App",
				Metadata: json.RawMessage(`{"kind":"pull_request","merged":true}`),
			}),
			SourceID: "42", User: "0190c3a8-0000-7000-8000-00000000000a", Type: events.TicketActivity, Action: "created",
			EntityID: "web#1", ProjectID: "web", Workspace: "main", Count: 2, Assignee: "0190c3a8-0000-7000-8000-00000000000b",
			OccurredAt: at, EntityCreatedAt: &at, Due: &at,
		},
		&events.UserRegistered{
			Sealed: events.Seal(events.UserRegisteredPrivate{
				Username: "alice", Email: "alice@example.com", Name: "Alice A", FirstName: "Alice", LastName: "A",
				Avatar: "https://example.com/a.png", Language: "en", PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
				Identities: []events.Identity{{Provider: "github", Subject: "1"}},
			}),
			Number: 1, LoginType: events.LoginPassword, Status: events.StatusActive, Confirmed: true,
			Roles:       []events.Role{events.RoleOwner},
			Memberships: []events.Membership{{Organization: "0190c3a8-0000-7000-8000-0000000000ff", Roles: []string{"organization-admin"}}},
		},
		&events.UserProfileUpdated{Sealed: events.Seal(events.UserProfileUpdatedPrivate{
			Name: text("Alice B"), FirstName: text("Alice"), LastName: text("B"), Avatar: text(""), Language: text("ru"),
		}), Fields: []string{"name", "firstName", "lastName", "avatar", "language"}},
		&events.UserUsernameChanged{Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: "alice-b"})},
		&events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{Email: "b@example.com"})},
		&events.UserPasswordSet{Sealed: events.Seal(events.UserPasswordPrivate{Hash: "$argon2id$x"}), Revoked: true},
		&events.UserPasswordRehashed{Sealed: events.Seal(events.UserPasswordPrivate{Hash: "$argon2id$y"})},
		&events.UserPreferencesUpdated{Sealed: events.Seal(events.UserPreferencesUpdatedPrivate{
			Changes: map[string]any{"theme": "dark", "emailNotifications.weeklyDigest": true}, Language: text("en"),
		}), Dialect: "codimir"},
		&events.UserRolesAssigned{Roles: []events.Role{events.RoleAuditor}, Added: []events.Role{events.RoleAuditor}, Removed: []events.Role{events.RoleOwner}},
		&events.UserSuspended{}, &events.UserActivated{}, &events.UserBecameDormant{LastSeenAt: at}, &events.UserDeleted{}, &events.UserErased{},
		&events.UserMembershipAdded{Membership: events.Membership{
			Organization: "0190c3a8-0000-7000-8000-0000000000ff", Roles: []string{events.OrganizationAdmin},
		}},
		&events.UserMembershipRemoved{Organization: "0190c3a8-0000-7000-8000-0000000000ff"},
		&events.UserOrganizationRolesAssigned{
			Organization: "0190c3a8-0000-7000-8000-0000000000ff", Roles: []string{events.OrganizationAuditor},
			Added: []string{events.OrganizationAuditor}, Removed: []string{events.OrganizationAdmin},
		},
		&events.UserIdentityLinked{Sealed: events.Seal(events.Identity{Provider: "oidc", Subject: "https://id.example.com|42"})},
		&events.UserProviderAnswered{
			Sealed: events.Seal(events.UserProviderPrivate{
				Claims: json.RawMessage(`{"sub":"42","email":"alice@example.com"}`), AccessToken: "access", RefreshToken: "refresh",
			}),
			Provider: "oidc", TokenExpiresAt: at,
		},
		&events.UserLoginTypeChanged{LoginType: events.LoginOIDC},
		&events.UserPasscodeRequested{Sealed: events.Seal(events.UserPasscodePrivate{Hash: []byte{4, 5, 6}}), ExpiresAt: at},
		&events.UserSSHKeyGenerated{Sealed: events.Seal(events.UserSSHKeyPrivate{
			PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== alice\n", PrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		})},
		&events.UserParameterRecorded{
			Sealed: events.Seal(events.UserParameterPrivate{Value: "eu-1"}), TemplateID: "0190c3a8-0000-7000-8000-0000000000ee", Name: "region",
		},
		&events.UserSessionOpened{Sealed: events.Seal(key), KeyID: "k123456789", LoginType: events.LoginPassword, Epoch: 1, ExpiresAt: at, Activated: true},
		&events.UserSessionClosed{KeyID: "k123456789"},
		&events.UserKeyCreated{
			Sealed: events.Seal(key), KeyID: "k123456789", LoginType: events.LoginToken, Scopes: []string{"all"},
			AllowList: []events.Resource{{Type: "user", ID: "0190c3a8-0000-7000-8000-00000000000a"}},
			Epoch:     1, ExpiresAt: at, Lifetime: 604800,
		},
		&events.UserKeyRegenerated{Sealed: events.Seal(key), KeyID: "k123456789", Epoch: 1, ExpiresAt: at},
		&events.UserKeyExpired{KeyID: "k123456789", ExpiresAt: at},
		&events.UserKeyDeleted{KeyID: "k123456789"},
		&events.UserCredentialsSwept{KeyIDs: []string{"k123456789", "k987654321"}},
	} {
		out[p.EventType()] = p
	}
	return out
}

// TestOldVersionsAreBroughtUp names what an old version says in the terms of the
// newest one.
func TestOldVersionsAreBroughtUp(t *testing.T) {
	t.Parallel()
	for typ, want := range map[events.Type]string{
		"roster.organization.created.v1": `{"number":1,"name":"coder","displayName":"Coder","default":true}`,
		"roster.user.key-created.v1":     `{"keyId":"k123456789","loginType":"token","scopes":["all"],"epoch":1,"expiresAt":"2026-05-03T10:00:00Z"}`,
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", "golden", string(typ)+".json"))
		require.NoError(t, err)
		var g golden
		require.NoError(t, json.Unmarshal(raw, &g))
		m, err := events.DecodeMeta(g.Headers)
		require.NoError(t, err)
		p, err := events.Released().Decode(&m, g.Data, goldenKey(t))
		require.NoError(t, err)
		clearPart, _ := parts(t, p)
		require.JSONEq(t, want, string(clearPart))
	}
}
