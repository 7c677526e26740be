package v1

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func userOfRow(u query.User) client.User {
	return client.User{
		Id: u.ID, Number: u.Number, Username: u.Username, Email: u.Email, Name: u.Name,
		FirstName: u.FirstName, LastName: u.LastName, Avatar: u.Avatar, Language: u.Language,
		Status: client.Status(u.Status), LoginType: client.LoginType(u.LoginType), Confirmed: u.Confirmed,
		Roles: rolesOf(u.Roles), Organizations: membershipsOf(u.Organizations),
		CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
	}
}

func userOfState(u commands.User) client.User {
	return client.User{
		Id: u.ID, Number: u.Number, Username: u.Username, Email: u.Email, Name: u.Name,
		FirstName: u.FirstName, LastName: u.LastName, Avatar: u.Avatar, Language: u.Language,
		Status: client.Status(u.Status), LoginType: client.LoginType(u.LoginType), Confirmed: u.Confirmed,
		Roles: rolesOf(u.Roles), Organizations: membershipsOf(u.Memberships),
		CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
	}
}

// stamp brings times of log and read model to one form.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func rolesOf(in []events.Role) []client.Role {
	out := make([]client.Role, len(in))
	for i, r := range in {
		out[i] = client.Role(r)
	}
	slices.Sort(out)
	return out
}

func membershipsOf(in []events.Membership) []client.Membership {
	out := make([]client.Membership, len(in))
	for i, m := range in {
		out[i] = client.Membership{Organization: m.Organization, Roles: append([]string{}, m.Roles...)}
	}
	return out
}

func keyOfRow(k query.Key) client.Key {
	return client.Key{
		Id: k.ID, LoginType: client.LoginType(k.LoginType), Name: k.Name, Scopes: scopesOf(k.LoginType, k.Scopes),
		CreatedAt: stamp(k.CreatedAt), UpdatedAt: stamp(k.UpdatedAt), ExpiresAt: stamp(k.ExpiresAt),
	}
}

// scopesOf shows what a key may do: a session everything.
func scopesOf(t events.LoginType, scopes []string) []string {
	if t != events.LoginToken {
		return []string{commands.ScopeAll}
	}
	return append([]string{}, scopes...)
}

func activityOf(a query.Activity) client.Activity {
	out := client.Activity{
		Id:   events.Position{Stream: events.Activity, Sequence: a.Sequence}.String(),
		User: a.UserID,
		Type: client.ActivityType(a.Type), Action: a.Action,
		Entity:  client.Entity{Id: a.EntityID, Title: a.EntityTitle, Url: a.EntityURL, CreatedAt: optional(a.EntityCreatedAt)},
		Project: client.Project{Id: a.ProjectID, Name: a.ProjectName}, Workspace: a.Workspace,
		Count: a.Count, Assignee: a.Assignee, Due: optional(a.Due),
		OccurredAt: stamp(a.OccurredAt), RecordedAt: stamp(a.RecordedAt),
		Source: a.Source, SourceId: a.SourceID, Metadata: a.Metadata,
	}
	if len(out.Metadata) == 0 {
		out.Metadata = nil
	}
	return out
}

// RenderActivity is the JSON of an activity, as it is in feeds and streams.
func RenderActivity(a query.Activity) ([]byte, error) {
	raw, err := json.Marshal(activityOf(a))
	if err != nil {
		return nil, fmt.Errorf("encode activity %d: %w", a.Sequence, err)
	}
	return raw, nil
}

func optional(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return stamp(*t)
}
