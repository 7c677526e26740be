package v1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
)

// anotherUser stands for everybody else in what one person is given.
const anotherUser = "another user"

// ownData writes what is held about a person, a line for each thing.
type ownData struct {
	handler *Handler
	me      query.User
	to      *json.Encoder
	counts  map[string]int // of lines, by kind
}

// ownLine is a line: kind says which member it has.
type ownLine struct {
	Kind  string `json:"kind"`
	Value any    `json:"value"`
}

func (d *ownData) line(kind string, value any) error {
	d.counts[kind]++
	if err := d.to.Encode(ownLine{kind, value}); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

func (d *ownData) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		d.account, d.preferences, d.claims, d.sshKey, d.keys, d.groups, d.workspaces, d.skills, d.changes, d.acts, d.activities,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *ownData) account(context.Context) error {
	type account struct {
		client.User
		Identities []events.Identity `json:"identities,omitempty"`
		LastSeenAt *time.Time        `json:"lastSeenAt,omitempty"`
	}
	a := account{User: userOfRow(d.me), Identities: d.me.Identities}
	if !d.me.LastSeenAt.IsZero() {
		a.LastSeenAt = &d.me.LastSeenAt
	}
	return d.line("account", a)
}

func (d *ownData) preferences(ctx context.Context) error {
	for _, dialect := range commands.PreferenceDialects() {
		p, err := d.handler.Queries.Preferences(ctx, d.me.ID, dialect)
		if errors.Is(err, query.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := d.line("preferences", map[string]any{"dialect": dialect, "values": nest(p.Values, "")}); err != nil {
			return err
		}
	}
	return nil
}

func (d *ownData) claims(ctx context.Context) error {
	claims, err := d.handler.Queries.ProviderClaims(ctx, d.me.ID)
	if errors.Is(err, query.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.line("provider-claims", claims)
}

func (d *ownData) sshKey(ctx context.Context) error {
	k, err := d.handler.Queries.SSHKey(ctx, d.me.ID)
	if errors.Is(err, query.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.line("ssh-key", map[string]any{"publicKey": k.PublicKey, "createdAt": stamp(k.CreatedAt), "updatedAt": stamp(k.UpdatedAt)})
}

func (d *ownData) keys(ctx context.Context) error {
	found, err := d.handler.Queries.Keys(ctx, d.me.ID)
	if err != nil {
		return err
	}
	type key struct {
		client.Key
		Client     string    `json:"client,omitempty"`
		LastUsedAt time.Time `json:"lastUsedAt,omitzero"`
	}
	for _, k := range found {
		if err := d.line("key", key{Key: keyOfRow(k), Client: k.IP, LastUsedAt: k.LastUsedAt}); err != nil {
			return err
		}
	}
	return nil
}

func (d *ownData) groups(ctx context.Context) error {
	found, err := d.handler.Queries.GroupsOf(ctx, d.me.ID)
	if err != nil {
		return err
	}
	for _, g := range found {
		if err := d.line("group", map[string]any{"id": g.ID, "number": g.Number, "name": g.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (d *ownData) workspaces(ctx context.Context) error {
	found, _, err := d.handler.Queries.Workspaces(ctx, query.WorkspaceFilter{Owner: d.me.ID})
	if err != nil {
		return err
	}
	for _, w := range found {
		if err := d.line("workspace", map[string]any{
			"id": w.ID, "number": w.Number, "name": w.Name, "displayName": w.DisplayName, "locations": w.Locations,
			"createdAt": stamp(w.CreatedAt), "updatedAt": stamp(w.UpdatedAt),
		}); err != nil {
			return err
		}
	}
	return nil
}

func (d *ownData) skills(ctx context.Context) error {
	found, err := d.handler.Queries.Skills(ctx, d.me.ID)
	if err != nil {
		return err
	}
	for _, listed := range found {
		s, err := d.handler.Queries.Skill(ctx, d.me.ID, listed.Name)
		if errors.Is(err, query.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if err := d.line("skill", map[string]any{
			"id": s.ID, "name": s.Name, "description": s.Description, "content": s.Content,
			"createdAt": stamp(s.CreatedAt), "updatedAt": stamp(s.UpdatedAt),
		}); err != nil {
			return err
		}
	}
	return nil
}

// ownEvent is an event as the person whom it is about, or who caused it, is told.
type ownEvent struct {
	Position  string                 `json:"position"`
	Type      string                 `json:"type"`
	Time      time.Time              `json:"time"`
	Actor     string                 `json:"actor"`
	Client    string                 `json:"client,omitempty"`
	UserAgent string                 `json:"userAgent,omitempty"`
	Dialect   string                 `json:"dialect,omitempty"`
	Reason    string                 `json:"reason,omitempty"`
	Changes   []client.HistoryChange `json:"changes,omitempty"`
}

// event tells of an event without saying anything of others.
func (d *ownData) event(ctx context.Context, m *events.Meta, p events.Position) (ownEvent, error) {
	out := ownEvent{Position: p.String(), Type: string(m.Type), Time: stamp(m.Time), Actor: m.Actor, Dialect: m.Dialect, Reason: m.Reason}
	if m.Actor != d.me.ID && m.Actor != commands.SystemActor {
		out.Actor = anotherUser
	}
	if m.ClientOwner() != d.me.ID {
		return out, nil
	}
	if err := d.handler.Queries.OpenClient(ctx, m); err != nil {
		return ownEvent{}, err
	}
	out.Client = m.Client
	return out, nil
}

// changes are what happened to the account.
func (d *ownData) changes(ctx context.Context) error {
	var state commands.User
	return d.handler.Queries.Past(ctx, userAggregate(d.me.ID), 0, func(e events.Recorded) error {
		told, err := d.event(ctx, &e.Meta, e.Position())
		if err != nil {
			return err
		}
		next := commands.EvolveUser(state, e)
		told.Changes = changes(fieldsOfUser(state), fieldsOfUser(next), true)
		state = next
		switch p := e.Payload.(type) {
		case *events.UserSessionOpened:
			told.UserAgent = p.Private.UserAgent
			if p.Private.IP != "" {
				told.Client = p.Private.IP
			}
		case *events.UserParameterRecorded:
			if err := d.line("parameter", map[string]any{"templateId": p.TemplateID, "name": p.Name, "value": p.Private.Value}); err != nil {
				return err
			}
		}
		return d.line("change", told)
	})
}

// acts are what the person did to others, organizations, groups and the like.
func (d *ownData) acts(ctx context.Context) error {
	return d.each(ctx, query.EventFilter{Streams: []events.Stream{events.Roster}, Actor: d.me.ID}, func(e *events.Stored) error {
		if e.Meta.Aggregate == userAggregate(d.me.ID) {
			return nil // told as a change
		}
		told, err := d.event(ctx, &e.Meta, e.Position())
		if err != nil {
			return err
		}
		return d.line("act", told)
	})
}

func (d *ownData) activities(ctx context.Context) error {
	filter := query.EventFilter{Streams: []events.Stream{events.Activity}, Aggregate: userAggregate(d.me.ID)}
	return d.each(ctx, filter, func(e *events.Stored) error {
		opened, err := d.handler.Queries.OpenEvent(ctx, *e)
		if err != nil {
			return err
		}
		a, err := live.ActivityOf(opened)
		if err != nil {
			return err
		}
		told, err := d.event(ctx, &opened.Meta, e.Position())
		if err != nil {
			return err
		}
		if a.Assignee != d.me.ID {
			a.Assignee = ""
		}
		type activity struct {
			client.Activity
			RecordedBy string `json:"recordedBy"`
			Client     string `json:"client,omitempty"`
		}
		return d.line("activity", activity{Activity: activityOf(a), RecordedBy: told.Actor, Client: told.Client})
	})
}

func (d *ownData) each(ctx context.Context, f query.EventFilter, tell func(*events.Stored) error) error {
	reader, err := d.handler.Queries.Events(ctx, f)
	if err != nil {
		return err
	}
	return reader.Each(ctx, tell)
}

// summary says in words what there is.
func (d *ownData) summary() string {
	var b strings.Builder
	write := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format, args...) }
	write("What Roster holds about you\n\n")
	for _, fact := range [][2]string{
		{"Id", d.me.ID},
		{"Username", d.me.Username},
		{"E-mail", d.me.Email},
		{"Name", d.me.Name},
		{"Status", string(d.me.Status)},
		{"Since", stamp(d.me.CreatedAt).Format(time.RFC3339)},
	} {
		if fact[1] != "" {
			write("%-10s %s\n", fact[0], fact[1])
		}
	}
	write("\nThe file data.ndjson has a line for each of these, a JSON object with the members kind and value:\n\n")
	for _, kind := range ownKinds {
		write("%8d  %-16s %s\n", d.counts[kind[0]], kind[0], kind[1])
	}
	write("\nSecrets are not in it: passwords and keys are kept as hashes. Neither is what is known of others: who is\n")
	write("not you is \"%s\".\n", anotherUser)
	return b.String()
}

// ownKinds are the kinds of lines, and what they are.
var ownKinds = [...][2]string{ //nolint:gochecknoglobals // a constant list
	{"account", "your account as it is now"},
	{"preferences", "what you have set, for each system"},
	{"provider-claims", "what your provider of identities said of you at the last sign-in"},
	{"ssh-key", "the public half of your SSH key"},
	{"key", "your sessions and API keys, without their secrets"},
	{"group", "groups that you are in"},
	{"workspace", "workspaces that you own"},
	{"skill", "skills that you have written"},
	{"change", "what happened to your account, and from where"},
	{"parameter", "what you chose for parameters of templates"},
	{"act", "what you did to others and to what is shared"},
	{"activity", "what you did, as other systems or you reported it"},
}
