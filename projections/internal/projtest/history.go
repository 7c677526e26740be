package projtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/rosterhq/roster/events"
)

// Epoch is when histories begin.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant time

// History makes events from a seed: the same seed makes the same events.
type History struct {
	rand   *rand.Rand
	serial uint64
	users  []string
	keys   map[string][]string
	epochs map[string]int64
}

// NewHistory starts a history.
func NewHistory(seed uint64) *History {
	return &History{rand: rand.New(rand.NewPCG(seed, 7)), keys: map[string][]string{}, epochs: map[string]int64{}}
}

// UUID returns the n-th id of a kind.
func UUID(kind, n uint64) string {
	return fmt.Sprintf("%08x-0000-7000-8000-%012x", kind, n)
}

// Draft makes an event of a user.
func (h *History) Draft(user string, p events.Payload) events.Draft {
	h.serial++
	m := events.Meta{
		ID: UUID(uint64(h.rand.Uint32()), h.serial), Type: p.EventType(), Source: "/roster",
		Time:      Epoch.Add(time.Duration(h.serial) * 1234567 * time.Microsecond),
		Aggregate: events.Aggregate{Kind: events.User, ID: user}, Actor: user, SealedFor: user,
	}
	switch p := p.(type) {
	case *events.ActivityRecorded:
		m.Source = "tracker"
		if p.SourceID == "" {
			p.SourceID = fmt.Sprint(h.serial)
		}
	case *events.OrganizationCreated, *events.OrganizationUpdated, *events.OrganizationDeleted:
		m.Aggregate.Kind, m.SealedFor = events.Organization, ""
	case *events.SkillCreated, *events.SkillUpdated:
		m.Aggregate.Kind, m.SealedFor = events.Skill, UUID(1, 1)
	case *events.WorkspaceCreated, *events.WorkspaceUpdated, *events.WorkspacePermissionGranted, *events.WorkspacePermissionRevoked,
		*events.WorkspaceDeleted:
		m.Aggregate.Kind, m.SealedFor = events.Workspace, ""
	case *events.GroupCreated, *events.GroupRenamed, *events.GroupMemberAdded, *events.GroupMemberRemoved, *events.GroupDeleted:
		m.Aggregate.Kind, m.SealedFor = events.Group, ""
	case *events.SkillDeleted:
		m.Aggregate.Kind, m.SealedFor = events.Skill, ""
	}
	return events.Draft{Meta: m, Payload: p}
}

// Register makes a user.
func (h *History) Register() events.Draft {
	n := len(h.users) + 1
	user := UUID(1, uint64(n))
	h.users = append(h.users, user)
	return h.Draft(user, &events.UserRegistered{
		Sealed: events.Seal(events.UserRegisteredPrivate{
			Username: fmt.Sprintf("user-%d", n), Email: fmt.Sprintf("user-%d@example.com", n), Name: fmt.Sprintf("Nº %d", n),
			Identities: []events.Identity{{Provider: "github", Subject: fmt.Sprint(n)}},
		}),
		Number: int64(n), LoginType: events.LoginPassword, Status: events.StatusDormant, Confirmed: true,
		Roles: []events.Role{events.RoleAuditor}, Memberships: []events.Membership{{Organization: UUID(2, 1), Roles: []string{"member"}}},
	})
}

// Activity makes an activity of a user.
func (h *History) Activity(user string) events.Draft {
	types := []events.ActivityType{events.TicketActivity, events.ProjectActivity, events.CommentActivity, events.ReviewActivity, events.CommitActivity}
	actions := []string{"created", "completed", "reopened", "pushed"}
	n := h.rand.IntN(50)
	return h.Draft(user, &events.ActivityRecorded{
		Sealed: events.Seal(events.ActivityPrivate{
			EntityTitle: fmt.Sprintf("Thing %d of some length, as titles have", n), EntityURL: fmt.Sprintf("https://tracker.example.com/things/%d", n),
			ProjectName: "octo/cat", Metadata: json.RawMessage(`{"kind":"pull_request","merged":` + strconv.FormatBool(n%2 == 0) + `}`),
		}),
		User: user, Type: types[h.rand.IntN(len(types))], Action: actions[h.rand.IntN(len(actions))],
		EntityID: fmt.Sprintf("octo/cat#%d", n), ProjectID: fmt.Sprint(n % 7), Workspace: "octo", Count: int64(h.rand.IntN(4)),
		OccurredAt: Epoch.Add(time.Duration(h.rand.IntN(1_000_000)) * time.Second),
	})
}

// Next makes any event of the identity log.
func (h *History) Next() events.Draft {
	if len(h.users) == 0 || h.rand.IntN(8) == 0 {
		return h.Register()
	}
	user := h.users[h.rand.IntN(len(h.users))]
	n := h.rand.IntN(1000)
	text := fmt.Sprintf("text-%d", n)
	switch h.rand.IntN(27) {
	case 0:
		return h.Draft(user, &events.UserProfileUpdated{Sealed: events.Seal(events.UserProfileUpdatedPrivate{Name: &text, Avatar: &text}), Fields: []string{"name", "avatar"}})
	case 1:
		return h.Draft(user, &events.UserUsernameChanged{Sealed: events.Seal(events.UserUsernameChangedPrivate{Username: text})})
	case 2:
		return h.Draft(user, &events.UserEmailChanged{Sealed: events.Seal(events.UserEmailChangedPrivate{Email: text + "@example.com"})})
	case 3:
		revoked := n%3 == 0
		if revoked {
			h.epochs[user]++
		}
		return h.Draft(user, &events.UserPasswordSet{Sealed: events.Seal(events.UserPasswordPrivate{Hash: text}), Revoked: revoked})
	case 4:
		return h.Draft(user, &events.UserPreferencesUpdated{
			Sealed:  events.Seal(events.UserPreferencesUpdatedPrivate{Changes: map[string]any{"theme": text, "a.b": n%2 == 0, "gone": nil}, Language: &text}),
			Dialect: []string{"codimir", "coder"}[n%2],
		})
	case 5:
		return h.Draft(user, &events.UserRolesAssigned{Roles: []events.Role{events.RoleOwner, events.RoleTester}[:n%3], Added: []events.Role{events.RoleOwner}})
	case 6:
		return h.Draft(user, &events.UserSuspended{})
	case 7:
		return h.Draft(user, &events.UserActivated{})
	case 8:
		if n%5 == 0 {
			return h.Draft(user, &events.UserDeleted{})
		}
		return h.Draft(user, &events.UserPasswordRehashed{Sealed: events.Seal(events.UserPasswordPrivate{Hash: text})})
	case 9:
		return h.organization(uint64(n % 50))
	case 10, 11:
		return h.membership(user, uint64(n%50))
	case 12, 13:
		return h.possession(user, n)
	case 14:
		return h.skill(uint64(n % 30))
	case 15:
		return h.account(user, n)
	case 16, 17:
		return h.workspace(user, uint64(n%20))
	case 18:
		return h.group(user, uint64(n%10))
	default:
		return h.key(user, n)
	}
}

func (h *History) key(user string, n int) events.Draft {
	private := events.Seal(events.UserKeyPrivate{SecretHash: []byte{byte(n), 1, 2}, Name: fmt.Sprint(n), IP: "192.0.2.1", UserAgent: "test"})
	expires := Epoch.Add(time.Duration(n) * time.Hour)
	if keys := h.keys[user]; len(keys) > 0 && n%2 == 0 {
		id := keys[n%len(keys)]
		switch n % 8 {
		case 6:
			return h.Draft(user, &events.UserSessionRefreshed{KeyID: id, Generation: int64(n), ExpiresAt: expires})
		case 0:
			return h.Draft(user, &events.UserKeyRegenerated{Sealed: private, KeyID: id, Epoch: h.epochs[user], ExpiresAt: expires})
		case 2:
			return h.Draft(user, &events.UserKeyExpired{KeyID: id, ExpiresAt: expires})
		case 4:
			if n%3 == 0 {
				return h.Draft(user, &events.UserCredentialsSwept{KeyIDs: []string{id, "key-of-old"}})
			}
			return h.Draft(user, &events.UserKeyDeleted{KeyID: id})
		default:
			return h.Draft(user, &events.UserSessionClosed{KeyID: id})
		}
	}
	id := fmt.Sprintf("key%07d", h.serial)
	h.keys[user] = append(h.keys[user], id)
	if n%3 == 0 {
		return h.Draft(user, &events.UserSessionOpened{Sealed: private, KeyID: id, LoginType: events.LoginPassword, Epoch: h.epochs[user], ExpiresAt: expires, Activated: n%2 == 1})
	}
	return h.Draft(user, &events.UserKeyCreated{Sealed: private, KeyID: id, LoginType: events.LoginToken, Scopes: []string{"all"}, Epoch: h.epochs[user], ExpiresAt: expires})
}

// Take makes n events of the identity log.
func (h *History) Take(n int) []events.Draft {
	out := make([]events.Draft, n)
	for i := range out {
		out[i] = h.Next()
	}
	return out
}

// Activities makes n activities of several users.
func (h *History) Activities(users, n int) []events.Draft {
	out := make([]events.Draft, n)
	for i := range out {
		out[i] = h.Activity(UUID(1, uint64(h.rand.IntN(users)+1)))
	}
	return out
}
