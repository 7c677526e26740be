package v1

import (
	"bytes"
	"net/http"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// activityInput decodes one activity. Its error is a *commands.Error, as it would be
// for an input that the command refuses.
func activityInput(raw []byte) (commands.ActivityInput, *commands.Error) {
	object, err := gate.ParseObject(bytes.TrimSpace(raw))
	if err != nil {
		return commands.ActivityInput{}, itemError(err)
	}
	f := fieldsOf(object)
	in := commands.ActivityInput{
		Source: f.required("source"), SourceID: f.required("id"),
		Type: events.ActivityType(f.required("type")), Action: f.required("action"),
		Workspace: f.text("workspace"), Count: f.integer("count"),
		Due: f.moment("due"), Metadata: f.free("metadata"), Assignee: userRef(f, "assignee"),
	}
	if _, given := f.object["count"]; !given && in.Type == events.CommitActivity {
		in.Count = 1 // who reports a commit and no number means one; an explicit 0 stays 0
	}
	if ref := userRef(f, "user"); ref != nil {
		in.User = *ref
	} else if _, given := f.object["user"]; !given || isNull(f.object["user"]) {
		f.refuse("user", "required", "is required")
	}
	if entity := f.inner("entity"); entity != nil {
		in.EntityID, in.EntityTitle, in.EntityURL = entity.required("id"), entity.text("title"), entity.text("url")
		in.EntityCreatedAt = entity.moment("createdAt")
		entity.end()
	} else if _, given := f.object["entity"]; !given || isNull(f.object["entity"]) {
		f.refuse("entity", "required", "is required")
	}
	if project := f.inner("project"); project != nil {
		in.ProjectID, in.ProjectName = project.required("id"), project.text("name")
		project.end()
	}
	if t, ok := f.instant("occurredAt"); ok {
		in.OccurredAt = t
	} else if _, given := f.object["occurredAt"]; !given || isNull(f.object["occurredAt"]) {
		f.refuse("occurredAt", "required", "is required")
	}
	f.end()
	if err := f.problem(); err != nil {
		return commands.ActivityInput{}, itemError(err)
	}
	return in, nil
}

// userRef reads how an activity names a user; nil when it does not.
func userRef(f *fields, name string) *commands.UserRef {
	inner := f.inner(name)
	if inner == nil {
		return nil
	}
	ref := commands.UserRef{ID: inner.text("id"), Username: inner.text("username"), Email: inner.text("email")}
	provider, subject := inner.text("provider"), inner.text("subject")
	inner.end()
	if provider != "" || subject != "" {
		ref.Identity = &events.Identity{Provider: provider, Subject: subject}
	}
	ways := 0
	for _, given := range []bool{ref.ID != "", ref.Username != "", ref.Email != "", ref.Identity != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 || ref.Identity != nil && (provider == "" || subject == "") {
		f.refuse(name, "format", "must name the user by exactly one of id, username, email, or provider and subject")
	}
	return &ref
}

func itemError(err error) *commands.Error {
	if body, ok := gate.AsBodyError(err); ok {
		code := commands.Invalid
		if body.Code == gate.TooLarge {
			code = commands.TooLarge
		}
		message := body.Detail
		if body.Field != "" {
			message = body.Field + ": " + message
		}
		return &commands.Error{Code: code, Message: message}
	}
	if p := problemOf(err); p != nil && p.Status != http.StatusInternalServerError {
		return &commands.Error{Code: commands.Invalid, Message: p.Detail}
	}
	return &commands.Error{Code: commands.Invalid, Message: "the item can not be read"}
}
