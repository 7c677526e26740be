package commands_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

func activity(id string, user commands.UserRef, change func(*commands.ActivityInput)) commands.ActivityInput {
	in := commands.ActivityInput{
		Source: "test", SourceID: id, User: user, Type: events.TicketActivity, Action: "created", EntityID: "t1",
		OccurredAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if change != nil {
		change(&in)
	}
	return in
}

func TestRecordActivities(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, log commands.Log) {
		t.Helper()
		ctx := context.Background()
		s := service(t, log)
		id := events.Identity{Provider: "github", Subject: "1"}
		ann := register(t, s, "ann", func(c *commands.Register) { c.Identities = []events.Identity{id} })
		bob := register(t, s, "bob", nil)
		gone := register(t, s, "gone", nil)
		_, err := s.Delete(ctx, system, gone.ID)
		require.NoError(t, err)
		in := []commands.ActivityInput{
			activity("1", commands.UserRef{Username: "ANN"}, nil),
			activity("2", commands.UserRef{Email: "ann@example.com"}, func(in *commands.ActivityInput) { in.Assignee = &commands.UserRef{ID: bob.ID} }),
			activity("3", commands.UserRef{Identity: &id}, nil),
			activity("1", commands.UserRef{ID: ann.ID}, nil),
			activity("4", commands.UserRef{ID: gone.ID}, nil),
			activity("5", commands.UserRef{Username: "nobody"}, nil),
			activity("6", commands.UserRef{ID: ann.ID}, func(in *commands.ActivityInput) { in.Type = events.AccountActivity }),
		}
		out, err := s.RecordActivities(ctx, system, in)
		require.NoError(t, err)
		require.Len(t, out, len(in))
		for i := range 4 {
			require.Nil(t, out[i].Err, i)
			require.Equal(t, ann.ID, out[i].UserID)
			require.Equal(t, i == 3, out[i].Duplicate)
		}
		require.Equal(t, out[0].Sequence, out[3].Sequence)
		for i := 4; i < 7; i++ {
			require.Equal(t, commands.Invalid, out[i].Err.Code, i)
		}
		again, err := s.RecordActivities(ctx, system, in[:3])
		require.NoError(t, err)
		for i := range again {
			require.True(t, again[i].Duplicate)
			require.Equal(t, out[i].Sequence, again[i].Sequence)
		}
	})
}

func TestWhoMayRecord(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ctx := context.Background()
	ann, bob := register(t, s, "ann", nil), register(t, s, "bob", nil)
	in := []commands.ActivityInput{
		activity("1", commands.UserRef{ID: ann.ID}, nil), activity("2", commands.UserRef{ID: bob.ID}, nil),
		activity("3", commands.UserRef{Username: "nobody"}, nil),
	}
	out, err := s.RecordActivities(ctx, as(ann, ""), in)
	require.NoError(t, err)
	require.Nil(t, out[0].Err)
	require.Equal(t, commands.Forbidden, out[1].Err.Code)
	require.Equal(t, commands.Forbidden, out[2].Err.Code)
	reader := as(ann, "")
	reader.Actor.Scopes = []string{commands.ScopeActivitiesRead}
	_, err = s.RecordActivities(ctx, reader, in)
	refused(t, err, commands.Forbidden, "record-activities")
	feeder := commands.Request{Actor: commands.Actor{UserID: bob.ID, Roles: []events.Role{events.RoleUserAdmin}, Scopes: []string{commands.ScopeActivitiesRecord}}}
	out, err = s.RecordActivities(ctx, feeder, in[:2])
	require.NoError(t, err)
	require.True(t, out[0].Duplicate)
	require.Nil(t, out[1].Err)
}

func TestActivitiesThatAreWrong(t *testing.T) {
	t.Parallel()
	s, _ := onMemory(t)
	ann := register(t, s, "ann", nil)
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"x": deep}
	}
	tests := map[string]func(*commands.ActivityInput){
		"source":           func(in *commands.ActivityInput) { in.Source = "a\nb" },
		"source/":          func(in *commands.ActivityInput) { in.Source = "/Roster" },
		"id":               func(in *commands.ActivityInput) { in.SourceID = "" },
		"user":             func(in *commands.ActivityInput) { in.User.Email = "a@example.com" },
		"assignee":         func(in *commands.ActivityInput) { in.Assignee = &commands.UserRef{} },
		"type":             func(in *commands.ActivityInput) { in.Type = "party" },
		"action":           func(in *commands.ActivityInput) { in.Action = strings.Repeat("a", 65) },
		"entity.id":        func(in *commands.ActivityInput) { in.EntityID = "" },
		"entity.title":     func(in *commands.ActivityInput) { in.EntityTitle = "a\x00" },
		"entity.url":       func(in *commands.ActivityInput) { in.EntityURL = "javascript:alert(1)" },
		"project.name":     func(in *commands.ActivityInput) { in.ProjectName = "\xff" },
		"count":            func(in *commands.ActivityInput) { in.Count = -1 },
		"occurredAt":       func(in *commands.ActivityInput) { in.OccurredAt = time.Now().Add(25 * time.Hour) },
		"occurredAt/":      func(in *commands.ActivityInput) { in.OccurredAt = time.Time{} },
		"occurredAt//":     func(in *commands.ActivityInput) { in.OccurredAt = time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC) },
		"entity.createdAt": func(in *commands.ActivityInput) { in.EntityCreatedAt = &time.Time{} },
		"due": func(in *commands.ActivityInput) {
			due := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
			in.Due = &due
		},
		"metadata":   func(in *commands.ActivityInput) { in.Metadata = map[string]any{"x": []any{"a\x00"}} },
		"metadata/":  func(in *commands.ActivityInput) { in.Metadata = map[string]any{"x": strings.Repeat("a", 16<<10)} },
		"metadata//": func(in *commands.ActivityInput) { in.Metadata = deep },
	}
	var in []commands.ActivityInput
	var fields []string
	for field, change := range tests {
		fields = append(fields, strings.TrimRight(field, "/"))
		in = append(in, activity(fmt.Sprint(len(in)), commands.UserRef{ID: ann.ID}, change))
	}
	out, err := s.RecordActivities(context.Background(), system, in)
	require.NoError(t, err)
	for i, o := range out {
		require.NotNil(t, o.Err, fields[i])
		require.Len(t, o.Err.Fields, 1, fields[i])
		require.Equal(t, fields[i], o.Err.Fields[0].Field)
	}
	_, err = s.RecordActivities(context.Background(), system, make([]commands.ActivityInput, 1001))
	refused(t, err, commands.TooLarge, "")
}
