package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/rosterhq/roster/events"
)

// kind is a kind of write.
type kind string

const (
	registering kind = "registration"
	changing    kind = "change of a profile"
	renaming    kind = "change of a username"
	makingKey   kind = "new key"
	revoking    kind = "revocation"
	recording   kind = "activity"
	signingIn   kind = "login"
	deleting    kind = "deletion"
)

// leaves is the event that an acknowledged write of each kind leaves, once.
func (k kind) leaves() events.Type {
	return map[kind]events.Payload{
		registering: &events.UserRegistered{}, changing: &events.UserProfileUpdated{}, renaming: &events.UserUsernameChanged{},
		makingKey: &events.UserKeyCreated{}, revoking: &events.UserKeyDeleted{}, recording: &events.ActivityRecorded{},
		signingIn: &events.UserSessionOpened{}, deleting: &events.UserDeleted{},
	}[k].EventType()
}

func (w *worker) register(ctx context.Context) {
	id := w.next()
	w.registerAs(ctx, id, id)
}

// contend wants a name that other workers want, too.
func (w *worker) contend(ctx context.Context) {
	w.registerAs(ctx, w.next(), fmt.Sprintf("contended-%d", w.random.IntN(200)))
}

func (w *worker) registerAs(ctx context.Context, id, username string) {
	body := fmt.Sprintf(`{"username":%q,"email":"%s@example.com","name":%q`, username, username, id)
	// Hashing is dear: some have a password.
	withPassword := w.random.IntN(10) == 0
	if withPassword {
		body += fmt.Sprintf(`,"password":%q`, password)
	}
	wr, a := w.do(ctx, write{id: id, kind: registering, subject: id}, call{method: http.MethodPost, path: "/v1/users", body: body + "}"})
	if wr.outcome != acknowledged {
		return
	}
	p := &person{id: a.text("id"), email: username + "@example.com", name: id, maybe: map[string]bool{}, password: withPassword}
	p.wrote(wr)
	w.people = append(w.people, p)
}

func (w *worker) profile(ctx context.Context, p *person) {
	id := w.next()
	wr, _ := w.do(ctx, write{id: id, kind: changing, subject: p.id},
		call{method: http.MethodPatch, path: "/v1/users/" + p.id, body: fmt.Sprintf(`{"name":%q}`, id)})
	switch wr.outcome {
	case acknowledged:
		p.name = id
		p.wrote(wr)
	case unknown:
		p.maybe[id] = true
	}
}

func (w *worker) rename(ctx context.Context, p *person) {
	id := w.next()
	wr, _ := w.do(ctx, write{id: id, kind: renaming, subject: p.id},
		call{method: http.MethodPatch, path: "/v1/users/" + p.id, body: fmt.Sprintf(`{"username":%q}`, id)})
	if wr.outcome == acknowledged {
		p.wrote(wr)
	}
}

func (w *worker) createKey(ctx context.Context, p *person) {
	id := w.next()
	wr, a := w.do(ctx, write{id: id, kind: makingKey, subject: p.id},
		call{method: http.MethodPost, path: "/v1/users/" + p.id + "/keys", body: fmt.Sprintf(`{"name":%q,"lifetimeSeconds":86400}`, id)})
	if wr.outcome != acknowledged {
		return
	}
	p.wrote(wr)
	// A repeat is not told the token.
	p.keys = append(p.keys, key{id: a.text("id"), token: a.text("token")})
}

func (w *worker) useKey(ctx context.Context, p *person) {
	k := p.anyKey(w)
	if k.token == "" {
		return
	}
	a, err := w.nodes[0].do(ctx, call{method: http.MethodGet, path: "/v1/users/me", token: k.token})
	if err != nil || a.status >= http.StatusInternalServerError {
		return
	}
	w.history.read(a.stale)
	if a.status != http.StatusOK || a.text("id") != p.id {
		w.history.violated("%s: a good key of %s was answered with %d", w.name, p.id, a.status)
	}
}

func (p *person) anyKey(w *worker) key {
	if len(p.keys) == 0 {
		return key{}
	}
	return p.keys[w.random.IntN(len(p.keys))]
}

func (w *worker) revokeKey(ctx context.Context, p *person) {
	k := p.anyKey(w)
	if k.id == "" {
		return
	}
	wr, _ := w.do(ctx, write{id: w.next(), kind: revoking, subject: p.id},
		call{method: http.MethodDelete, path: "/v1/users/" + p.id + "/keys/" + k.id})
	p.keys = slices.DeleteFunc(p.keys, func(other key) bool { return other == k })
	if wr.outcome != acknowledged {
		return
	}
	p.wrote(wr)
	if k.token != "" {
		w.revoked = append(w.revoked, revokedKey{token: k.token, at: time.Now()})
		w.expectDead(ctx, w.revoked[len(w.revoked)-1])
	}
}

// tryRevoked uses a key that was revoked some time ago.
func (w *worker) tryRevoked(ctx context.Context) {
	if len(w.revoked) > 0 {
		w.expectDead(ctx, w.revoked[w.random.IntN(len(w.revoked))])
	}
}

// expectDead wants a key refused at once by the node that revoked it; the others
// learn of it from the log, and how long that took is noted.
func (w *worker) expectDead(ctx context.Context, k revokedKey) {
	for i, c := range w.nodes {
		a, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/users/me", token: k.token})
		if err != nil || a.status >= http.StatusBadRequest {
			continue
		}
		if i == 0 {
			w.history.violated("%s: a key worked %s after the answer that it is revoked", w.name, time.Since(k.at))
			continue
		}
		w.history.elsewhere(time.Since(k.at))
	}
}

func (w *worker) activity(ctx context.Context, p *person) {
	id := w.next()
	k := call{method: http.MethodPost, path: "/v1/activities", body: fmt.Sprintf(
		`{"source":"faults","id":%q,"user":{"id":%q},"type":"ticket","action":"created","entity":{"id":%q,"title":"Thing"},"occurredAt":%q}`,
		id, p.id, id, time.Now().UTC().Format(time.RFC3339))}
	// The source's id alone makes a repeat harmless.
	wr, a := w.ask(ctx, write{id: id, kind: recording, subject: p.id}, k, w.random.IntN(4) != 0)
	if wr.outcome == acknowledged && a.body["rejectedTotal"] != float64(0) {
		w.history.violated("%s: activity %s of %s was rejected: %v", w.name, id, p.id, a.body)
	}
}

// login may not be repeated: each makes a session.
func (w *worker) login(ctx context.Context, p *person) {
	if !p.password {
		return
	}
	w.ask(ctx, write{id: w.next(), kind: signingIn, subject: p.id}, call{
		method: http.MethodPost, path: "/api/v2/users/login", body: fmt.Sprintf(`{"email":%q,"password":%q}`, p.email, password),
	}, false)
}

// remove deletes a user, of whom the worker speaks no more, whatever the answer.
func (w *worker) remove(ctx context.Context, p *person) {
	if len(w.people) < maxPeople/2 {
		return
	}
	w.do(ctx, write{id: w.next(), kind: deleting, subject: p.id}, call{method: http.MethodDelete, path: "/v1/users/" + p.id})
	w.people = slices.DeleteFunc(w.people, func(other *person) bool { return other == p })
}
