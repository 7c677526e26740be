// Package accountfeed is the reaction that tells the activity log of account
// changes, so that they are in the user's feed beside everything else.
//
// Of a user who moved in from another system it tells one thing: the registration,
// when it was made there. What came along was done elsewhere.
//
// An activity's source is "roster" and its source id the id of the event it comes
// from: recording it again, after a crash, changes nothing. It has no tables.
package accountfeed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections/runtime"
)

// Source is the source system of account activities.
const Source = events.AccountSource

// The actions of account activities.
const (
	Registered         = "registered"
	ProfileUpdated     = "profile_updated"
	UsernameChanged    = "username_changed"
	EmailChanged       = "email_changed"
	PasswordSet        = "password_set"
	PreferencesUpdated = "preferences_updated"
	RolesAssigned      = "roles_assigned"
	Suspended          = "suspended"
	Activated          = "activated"
	Deleted            = "deleted"
	Erased             = events.ErasedAction
	SessionOpened      = "session_opened"
	KeyCreated         = "key_created"
	KeyRegenerated     = "key_regenerated"
	KeyExpired         = "key_expired"
	KeyDeleted         = "key_deleted"
	ReadableKeySet     = "readable_key_set"
	Confirmed          = "confirmed"
	LoginTypeChanged   = "login_type_changed"
	IdentityLinked     = "identity_linked"
	SSHKeyGenerated    = "ssh_key_generated"

	OrganizationJoined        = "organization_joined"
	OrganizationLeft          = "organization_left"
	OrganizationRolesAssigned = "organization_roles_assigned"
)

// patience lets the changes of a moment share an append to the activity log, and
// the transactions of those who read it. Nobody waits for them.
const patience = 80 * time.Millisecond

// Projection returns the reaction. The runtime needs a Recorder for it.
func Projection() runtime.Projection {
	return runtime.Projection{
		Name: "accountfeed", Version: 1, Stream: events.Roster, Patience: patience,
		Handlers: []runtime.Handler{
			on(Registered, func(e *events.UserRegistered) detail {
				return detail{title: e.Private.Username, at: e.CreatedAt, movedIn: true}
			}),
			on(ProfileUpdated, func(e *events.UserProfileUpdated) detail { return detail{more: more{"fields": e.Fields}} }),
			on(UsernameChanged, func(e *events.UserUsernameChanged) detail { return detail{title: e.Private.Username} }),
			on(EmailChanged, func(*events.UserEmailChanged) detail { return detail{} }),
			on(PasswordSet, func(e *events.UserPasswordSet) detail { return detail{more: more{"revoked": e.Revoked}} }),
			on(PreferencesUpdated, func(e *events.UserPreferencesUpdated) detail { return detail{more: more{"dialect": e.Dialect}} }),
			on(RolesAssigned, func(e *events.UserRolesAssigned) detail {
				return detail{more: more{"roles": e.Roles, "added": e.Added, "removed": e.Removed}}
			}),
			on(Suspended, func(*events.UserSuspended) detail { return detail{} }),
			on(Activated, func(*events.UserActivated) detail { return detail{} }),
			on(Deleted, func(*events.UserDeleted) detail { return detail{} }),
			on(Erased, func(*events.UserErased) detail { return detail{} }),
			on(SessionOpened, func(e *events.UserSessionOpened) detail {
				return detail{more: more{"loginType": e.LoginType, "activated": e.Activated}}
			}),
			on(KeyCreated, func(e *events.UserKeyCreated) detail {
				return detail{more: more{"keyId": e.KeyID, "keyName": e.Private.Name, "scopes": e.Scopes}}
			}),
			on(KeyRegenerated, func(e *events.UserKeyRegenerated) detail { return detail{more: more{"keyId": e.KeyID}} }),
			on(KeyExpired, func(e *events.UserKeyExpired) detail { return detail{more: more{"keyId": e.KeyID}} }),
			on(KeyDeleted, func(e *events.UserKeyDeleted) detail { return detail{more: more{"keyId": e.KeyID}} }),
			on(ReadableKeySet, func(*events.UserReadableKeySet) detail { return detail{} }),
			on(Confirmed, func(*events.UserConfirmed) detail { return detail{} }),
			on(LoginTypeChanged, func(e *events.UserLoginTypeChanged) detail { return detail{more: more{"loginType": e.LoginType}} }),
			on(IdentityLinked, func(e *events.UserIdentityLinked) detail { return detail{more: more{"provider": e.Private.Provider}} }),
			on(SSHKeyGenerated, func(*events.UserSSHKeyGenerated) detail { return detail{} }),
			on(OrganizationJoined, func(e *events.UserMembershipAdded) detail {
				return detail{more: more{"organization": e.Organization, "roles": e.Roles}}
			}),
			on(OrganizationLeft, func(e *events.UserMembershipRemoved) detail {
				return detail{more: more{"organization": e.Organization}}
			}),
			on(OrganizationRolesAssigned, func(e *events.UserOrganizationRolesAssigned) detail {
				return detail{more: more{"organization": e.Organization, "roles": e.Roles, "added": e.Added, "removed": e.Removed}}
			}),
		},
	}
}

type more = map[string]any

// detail is what an event tells beside its action.
type detail struct {
	title   string // of the entity, which is the user
	more    more
	at      time.Time // zero: when the event was
	movedIn bool      // told of those who move in, too
}

// on makes the handler that turns one type of event into an activity.
func on[T any, P interface {
	*T
	events.Payload
}](action string, tell func(P) detail) runtime.Handler {
	return runtime.On(func(_ context.Context, q runtime.Queue, m runtime.Event, e P) error {
		told := tell(e)
		if m.Source == events.SourceImport && !told.movedIn {
			return nil
		}
		d, err := draft(m, action, told)
		if err != nil {
			return err
		}
		q.Record(d)
		return nil
	})
}

func draft(m runtime.Event, action string, d detail) (events.Draft, error) {
	user, at := m.Aggregate.ID, d.at
	if at.IsZero() {
		at = m.Time
	}
	p := &events.ActivityRecorded{
		SourceID: m.ID, User: user, Type: events.AccountActivity, Action: action, EntityID: user, OccurredAt: at,
	}
	p.Private.EntityTitle = d.title
	if told := withoutEmpty(d.more); len(told) > 0 {
		data, err := json.Marshal(told)
		if err != nil {
			return events.Draft{}, fmt.Errorf("encode what %s tells: %w", m.Type, err)
		}
		p.Private.Metadata = data
	}
	return events.Draft{
		Meta: events.Meta{
			ID: reactionID(m.Meta), Type: p.EventType(), Source: Source, Time: m.Time, Aggregate: m.Aggregate,
			Actor: m.Actor, CorrelationID: m.CorrelationID, CausationID: m.ID, Dialect: m.Dialect, SealedFor: user,
		},
		Payload: p,
	}, nil
}

// withoutEmpty leaves out members that say nothing.
func withoutEmpty(in more) more {
	for name, value := range in {
		switch v := value.(type) {
		case string:
			if v == "" {
				delete(in, name)
			}
		case []string:
			if len(v) == 0 {
				delete(in, name)
			}
		case []events.Role:
			if len(v) == 0 {
				delete(in, name)
			}
		case bool:
			if !v {
				delete(in, name)
			}
		}
	}
	return in
}
