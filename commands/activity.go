package commands

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rosterhq/roster/events"

	"golang.org/x/sync/errgroup"
)

// maxActivities bounds one call of RecordActivities, and resolveAtOnce how many
// users one call looks up at the same time.
const (
	maxActivities = 1000
	resolveAtOnce = 16
)

// ActivityInput is one activity as a source system reports it.
type ActivityInput struct {
	Source, SourceID       string
	User                   UserRef
	Type                   events.ActivityType
	Action                 string
	EntityID, EntityTitle  string
	EntityURL              string
	EntityCreatedAt        *time.Time
	ProjectID, ProjectName string
	Workspace              string
	Count                  int64
	Assignee               *UserRef
	Due                    *time.Time
	OccurredAt             time.Time
	Metadata               map[string]any
}

// ActivityOutcome is what became of one input: Err set means rejected.
type ActivityOutcome struct {
	UserID    string
	Sequence  uint64
	Duplicate bool
	Err       *Error
}

// RecordActivities records up to 1,000 activities; the answer has one entry
// for each, in order. An input that is wrong is rejected alone. The error is
// for failures that concern all of them.
func (s *Service) RecordActivities(ctx context.Context, r Request, in []ActivityInput) ([]ActivityOutcome, error) {
	if r.Actor.UserID != SystemActor && !Allowed(r.Actor, RecordActivities, r.Actor.UserID) {
		return nil, forbidden(RecordActivities)
	}
	if len(in) > maxActivities {
		return nil, &Error{Code: TooLarge, Message: "at most 1000 activities can be recorded at once"}
	}
	b := recording{s: s, env: s.envelope(r), actor: r.Actor, in: in, out: make([]ActivityOutcome, len(in))}
	for i := range in {
		b.out[i].Err = checkActivity(&in[i], b.env.now)
	}
	if err := b.resolve(ctx); err != nil {
		return nil, refusal(err)
	}
	if err := b.record(ctx); err != nil {
		return nil, refusal(err)
	}
	return b.out, nil
}

// recording is one call of RecordActivities.
type recording struct {
	s     *Service
	env   envelope
	actor Actor
	in    []ActivityInput
	out   []ActivityOutcome
	users map[refKey]*found
}

// refKey is a UserRef that can be compared.
type refKey struct {
	id, username, email string
	identity            events.Identity
}

// found is what became of a reference: "" for nobody.
type found struct{ id string }

func keyOf(r UserRef) refKey {
	k := refKey{id: r.ID, username: fold(r.Username), email: fold(r.Email)}
	if r.Identity != nil {
		k.identity = *r.Identity
	}
	return k
}

// resolve finds the users of all activities that are in order, each once.
func (b *recording) resolve(ctx context.Context) error {
	b.users = map[refKey]*found{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(resolveAtOnce)
	look := func(ref UserRef) {
		k := keyOf(ref)
		if b.users[k] != nil {
			return
		}
		f := &found{}
		b.users[k] = f
		g.Go(func() (err error) {
			f.id, err = b.s.liveUser(ctx, ref)
			return err
		})
	}
	for i := range b.in {
		if b.out[i].Err != nil {
			continue
		}
		look(b.in[i].User)
		if b.in[i].Assignee != nil {
			look(*b.in[i].Assignee)
		}
	}
	return g.Wait() //nolint:wrapcheck // liveUser wraps
}

// liveUser returns the id of a live user, or "" when there is none. The holder of
// a claim is one; behind an id may be nobody.
func (s *Service) liveUser(ctx context.Context, ref UserRef) (string, error) {
	id, err := s.resolve(ctx, ref)
	switch {
	case CodeOf(err) == NotFound:
		return "", nil
	case err != nil:
		return "", err
	case ref.ID == "":
		return id, nil
	}
	st, err := s.states.fresh(ctx, id)
	if err != nil || !st.user.exists() {
		return "", err
	}
	return id, nil
}

// record authorizes each activity and appends those that may be. A source id
// that comes twice in one call counts once: the later ones are duplicates.
func (b *recording) record(ctx context.Context) error {
	type name struct{ source, id string }
	drafts := make([]events.Draft, 0, len(b.in))
	place := make([]int, len(b.in)) // of each input in drafts
	first := map[name]int{}
	for i := range b.in {
		if b.out[i].Err != nil {
			continue
		}
		user, assignee, err := b.people(&b.in[i])
		if err != nil {
			b.out[i].Err = err
			continue
		}
		b.out[i].UserID = user
		n := name{b.in[i].Source, b.in[i].SourceID}
		if earlier, ok := first[n]; ok {
			b.out[i].Duplicate, place[i] = true, earlier
			continue
		}
		first[n], place[i] = len(drafts), len(drafts)
		drafts = append(drafts, b.draft(&b.in[i], user, assignee))
	}
	if len(drafts) == 0 {
		return nil
	}
	recorded, err := b.s.log.Record(ctx, drafts)
	if err != nil {
		return err //nolint:wrapcheck // refusal says what it is
	}
	for i := range b.out {
		if b.out[i].Err != nil {
			continue
		}
		b.out[i].Sequence = recorded[place[i]].Sequence
		b.out[i].Duplicate = b.out[i].Duplicate || recorded[place[i]].Duplicate
	}
	return nil
}

func (b *recording) people(in *ActivityInput) (user, assignee string, err *Error) {
	user = b.users[keyOf(in.User)].id
	switch {
	case user != "" && Allowed(b.actor, RecordActivities, user):
	case !Allowed(b.actor, RecordActivities, ""): // may record for themselves alone, and learns of nobody else
		return "", "", forbidden(RecordActivities)
	default:
		return "", "", unknownUser("user")
	}
	if in.Assignee == nil {
		return user, "", nil
	}
	if assignee = b.users[keyOf(*in.Assignee)].id; assignee == "" {
		return "", "", unknownUser("assignee")
	}
	return user, assignee, nil
}

func unknownUser(field string) *Error {
	return &Error{
		Code: Invalid, Reason: "unknown-user", Message: "there is no such user",
		Fields: []FieldError{{Field: field, Rule: "unknown", Detail: "there is no such user"}},
	}
}

// metadataOf encodes metadata that was checked.
func metadataOf(m map[string]any) json.RawMessage {
	if len(m) == 0 {
		return nil
	}
	data, err := json.Marshal(m)
	if err != nil {
		return nil // check found no such thing
	}
	return data
}

func (b *recording) draft(in *ActivityInput, user, assignee string) events.Draft {
	p := &events.ActivityRecorded{
		Sealed: events.Seal(events.ActivityPrivate{
			EntityTitle: in.EntityTitle, EntityURL: in.EntityURL, ProjectName: in.ProjectName, Metadata: metadataOf(in.Metadata),
		}),
		SourceID: in.SourceID, User: user, Type: in.Type, Action: in.Action, EntityID: in.EntityID,
		ProjectID: in.ProjectID, Workspace: in.Workspace, Count: in.Count, Assignee: assignee,
		OccurredAt: moment(in.OccurredAt), EntityCreatedAt: momentOf(in.EntityCreatedAt), Due: momentOf(in.Due),
	}
	m := b.s.meta(b.env, userAggregate(user), p)
	m.Source = in.Source
	return events.Draft{Meta: m, Payload: p}
}

// moment brings a time to the form that the log keeps.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func momentOf(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	m := moment(*t)
	return &m
}
