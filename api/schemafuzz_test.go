package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

const (
	// fuzzRequests is how many requests are sent when ROSTER_FUZZ_REQUESTS says nothing.
	fuzzRequests = 3000
	// fuzzSeed is where randomness begins when ROSTER_FUZZ_SEED says nothing.
	fuzzSeed = 1
	// fuzzPatience is how long one answer may take.
	fuzzPatience = 20 * time.Second
	// fuzzRound is after how many requests there are new things to name and new callers.
	fuzzRound = 250
)

// leftOut are the operations that are not fuzzed, each with its reason.
var leftOut = map[string]string{} //nolint:gochecknoglobals // a constant table

// reactions are events that a refusal may leave on purpose, by what was asked.
var reactions = map[string]events.Type{ //nolint:gochecknoglobals // a constant table
	// A refresh token that comes a second time was stolen, or its successor was.
	"POST /api/v3/token/refresh":  (*events.UserSessionClosed)(nil).EventType(),
	"POST /api/v3/token/refresh/": (*events.UserSessionClosed)(nil).EventType(),
}

// operation is one operation of one document.
type operation struct {
	dialect, method, path string
	*openapi3.Operation
	parameters openapi3.Parameters
}

func (o operation) String() string { return o.method + " " + o.path }

// fuzzer is one run over all documents.
type fuzzer struct {
	*values
	t          *testing.T
	s          *apitest.System
	root       *apitest.Session // who sets things up, and never calls otherwise
	callers    map[string]*apitest.Session
	operations []operation
	findings   map[string]string
	statuses   map[int]int
	answered   map[string]bool // operations with an answer below 300
	unsent     int             // requests that no client could be made to send
	made       int
}

// TestEveryOperationOfEveryDocument sends generated requests, as the documents want
// them and broken in one way, to every operation of every dialect: no failure of the
// server, no answer that the document does not know, and what is refused changed
// nothing. ROSTER_FUZZ_REQUESTS and ROSTER_FUZZ_SEED say how many and which.
//
//nolint:paralleltest // it looks at the heads of the log between two requests, and takes long enough
func TestEveryOperationOfEveryDocument(t *testing.T) {
	requests, seed := fromEnv(t, "ROSTER_FUZZ_REQUESTS", fuzzRequests), fromEnv(t, "ROSTER_FUZZ_SEED", fuzzSeed)
	t.Logf("ROSTER_FUZZ_SEED=%d ROSTER_FUZZ_REQUESTS=%d", seed, requests)
	f := newFuzzer(t, uint64(seed))
	for i := range requests {
		if i%fuzzRound == 0 {
			f.newRound()
		}
		// In turn, so that a short run meets each operation too.
		f.request(f.operations[i%len(f.operations)])
	}
	f.report()
}

func fromEnv(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

func newFuzzer(t *testing.T, seed uint64) *fuzzer {
	t.Helper()
	s := apitest.New(t)
	s.FirstUser()
	f := &fuzzer{
		values: &values{Rand: rand.New(rand.NewPCG(seed, 0)), seen: map[string][]any{}},
		t:      t, s: s, callers: map[string]*apitest.Session{},
		findings: map[string]string{}, statuses: map[int]int{}, answered: map[string]bool{},
	}
	for dialect, document := range s.Documents() {
		for path, item := range document.Paths.Map() {
			for method, o := range item.Operations() {
				one := operation{dialect, method, path, o, append(slices.Clone(o.Parameters), item.Parameters...)}
				if reason, ok := leftOut[one.String()]; ok {
					t.Logf("left out: %s: %s", one, reason)
					continue
				}
				f.operations = append(f.operations, one)
			}
		}
	}
	slices.SortFunc(f.operations, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return f
}

// newRound makes what requests may name, and callers whom earlier ones left alone.
func (f *fuzzer) newRound() {
	f.made++
	name := func(kind string) string { return fmt.Sprintf("%s-%d", kind, f.made) }
	f.root = f.newcomer(name("root"), events.RoleOwner)
	f.callers["owner"] = f.newcomer(name("owner"), events.RoleOwner)
	f.callers["user"] = f.newcomer(name("user"))
	victim := f.newcomer(name("victim"))
	f.make("/v1/organizations", object{"name": name("org")})
	f.make("/v1/groups", object{"name": name("group")})
	f.make("/v1/workspaces", object{"name": name("workspace")})
	f.make("/v1/users/"+victim.ID+"/keys", object{"name": name("key")})
	for _, who := range []*apitest.Session{f.callers["owner"], f.callers["user"], victim} {
		f.remember("user", who.ID)
		f.remember("user", who.Username)
		f.remember("email", who.Email)
	}
	f.remember("projection", "history")
	for _, path := range []string{"/api/user", "/api/v3/users/whoami", "/v1/admin/projections", "/v1/catalogue"} {
		f.learn(f.callers["user"].Do(http.MethodGet, path, nil, nil))
		f.learn(f.root.Do(http.MethodGet, path, nil, nil))
	}
}

func (f *fuzzer) make(path string, body object) {
	f.t.Helper()
	a := f.root.Do(http.MethodPost, path, nil, body)
	require.Equal(f.t, http.StatusCreated, a.Status, "%s: %s", path, a.Body)
	f.learn(a)
	var made object
	a.JSON(f.s, &made)
	kind := strings.TrimSuffix(path[strings.LastIndex(path, "/")+1:], "s")
	for _, name := range []string{"id", "name", "number"} {
		if made[name] != nil {
			f.remember(kind, made[name])
		}
	}
}

// learn remembers what an answer says.
func (f *fuzzer) learn(a apitest.Answer) {
	var body any
	if json.Unmarshal(a.Body, &body) == nil {
		f.remember("", body)
	}
}

// attemptOf draws a request as the document wants it.
func (f *fuzzer) attemptOf(o operation) *attempt {
	a := &attempt{method: o.method, path: o.path, headers: map[string]string{}}
	query := url.Values{}
	seldom := max(3, len(o.parameters)) // many at once seldom go together
	for _, ref := range o.parameters {
		p := ref.Value
		switch p.In {
		case openapi3.ParameterInPath:
			a.path = strings.Replace(a.path, "{"+p.Name+"}", url.PathEscape(f.pathValue(p)), 1)
		case openapi3.ParameterInQuery:
			if p.Required || f.chance(seldom) {
				query.Set(p.Name, parameterText(f.of(p.Schema, p.Name, 0)))
			}
		case openapi3.ParameterInHeader:
			if p.Required || f.chance(seldom) {
				a.headers[p.Name] = headerText(parameterText(f.of(p.Schema, p.Name, 0)))
			}
		}
	}
	a.query = query.Encode()
	if o.RequestBody != nil {
		f.body(o.RequestBody.Value, a)
	}
	return a
}

func (f *fuzzer) pathValue(p *openapi3.Parameter) string {
	if found, ok := f.known(namesOf(p.Name)...); ok && !f.chance(8) {
		return parameterText(found)
	}
	if f.chance(3) {
		return pick(f.values, "me", "default")
	}
	text := parameterText(f.of(p.Schema, p.Name, 0))
	if text == "" {
		return "x"
	}
	return text
}

func parameterText(value any) string {
	switch v := value.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = parameterText(one)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(value)
}

// headerText leaves out what no client can send in a header.
func headerText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

func (f *fuzzer) body(b *openapi3.RequestBody, a *attempt) {
	kinds := make([]string, 0, len(b.Content))
	for kind := range b.Content {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	a.kind = pick(f.values, kinds...)
	schema := b.Content[a.kind].Schema
	if strings.Contains(a.kind, "*") {
		a.kind = "text/plain"
	}
	a.headers["Content-Type"] = a.kind
	tree := f.of(schema, "", 0)
	if text, ok := tree.(string); ok && !strings.HasSuffix(a.kind, "json") {
		a.tree, a.body = tree, []byte(text)
		return
	}
	a.encode(tree)
}

// request sends one request and keeps what is wrong about the answer.
func (f *fuzzer) request(o operation) {
	a := f.attemptOf(o)
	how := "as the document wants it"
	if !f.chance(3) {
		how = pick(f.values, breakNames()...)
		breaks[how](f.values, a)
	}
	who := pick(f.values, "owner", "owner", "owner", "user", "user", "nobody")
	r, err := f.httpRequest(a, who)
	if err != nil { // Go's client refuses to send it
		f.unsent++
		return
	}
	before := f.heads()
	answer, err := f.s.Send(r, fuzzPatience)
	f.statuses[answer.Status]++
	told := fmt.Sprintf("%s, %s by %s: %s %s?%s %v %.300q", o, how, who, a.method, a.path, a.query, a.headers, a.body)
	if err != nil {
		f.find(o, answer.Status, "contract", told+"\n  "+err.Error())
		return
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		f.find(o, answer.Status, "HTML", fmt.Sprintf("%s\n  %d %.300q", told, answer.Status, answer.Body))
	}
	if answer.Status >= http.StatusInternalServerError && o.Responses.Status(answer.Status) == nil {
		f.find(o, answer.Status, "failed", fmt.Sprintf("%s\n  %d %.300q", told, answer.Status, answer.Body))
	}
	if answer.Status < http.StatusMultipleChoices {
		f.answered[o.String()] = true
		f.learn(answer)
		return
	}
	if answer.Status < http.StatusBadRequest {
		return
	}
	if since := f.since(before, reactions[o.String()]); len(since) > 0 {
		f.find(o, answer.Status, "changed", fmt.Sprintf("%s\n  %d %.300q: the log has new events: %v", told, answer.Status, answer.Body, since))
	}
	if answer.Status == http.StatusUnauthorized {
		f.revive(who)
	}
}

// revive gives a caller back who lost the session, or more, by a request of its own.
func (f *fuzzer) revive(who string) {
	caller := f.callers[who]
	if caller == nil || caller.Do(http.MethodGet, "/v1/users/me", nil, nil).Status == http.StatusOK {
		return
	}
	f.made++
	var roles []events.Role
	if who == "owner" {
		roles = []events.Role{events.RoleOwner}
	}
	f.callers[who] = f.newcomer(fmt.Sprintf("%s-%d", who, f.made), roles...)
}

// newcomer registers somebody in the name of the installation, whose rights no request
// can take, and signs in.
func (f *fuzzer) newcomer(name string, roles ...events.Role) *apitest.Session {
	f.t.Helper()
	email := name + "@example.com"
	_, err := f.s.Commands.Register(f.t.Context(), commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}},
		commands.Register{Username: name, Email: email, Password: apitest.Password, Roles: roles})
	require.NoError(f.t, err)
	return f.s.Login(email, apitest.Password)
}

// since lists what lies in the log behind the positions. Activities that the
// projector copies from events of before come when they come: they name their cause,
// and are not listed, nor is the reaction.
func (f *fuzzer) since(before [2]uint64, reaction events.Type) []string {
	f.t.Helper()
	var out []string
	for i, head := range f.heads() {
		var positions []uint64
		for n := before[i] + 1; n <= head; n++ {
			positions = append(positions, n)
		}
		found, err := f.s.Log.At(f.t.Context(), streams[i], positions)
		require.NoError(f.t, err)
		for _, e := range found {
			if e.Meta.CausationID == "" && e.Meta.Type != reaction {
				out = append(out, fmt.Sprintf("%s %d %s", e.Stream, e.Sequence, e.Meta.Type))
			}
		}
	}
	return out
}

// streams are those of the log that requests write to.
var streams = [2]events.Stream{events.Roster, events.Activity} //nolint:gochecknoglobals // a constant table

func breakNames() []string {
	names := make([]string, 0, len(breaks))
	for name := range breaks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f *fuzzer) httpRequest(a *attempt, who string) (*http.Request, error) {
	target := f.s.URL + a.path
	if a.query != "" {
		target += "?" + a.query
	}
	r, err := http.NewRequestWithContext(f.t.Context(), a.method, target, bytes.NewReader(a.body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if caller := f.callers[who]; caller != nil {
		r.Header.Set("Authorization", "Bearer "+caller.Token)
	}
	for name, value := range a.headers {
		r.Header.Set(name, value)
	}
	return r, nil
}

// heads are the last positions of both streams of the log.
func (f *fuzzer) heads() [2]uint64 {
	f.t.Helper()
	var heads [2]uint64
	for i, stream := range streams {
		head, err := f.s.Log.Head(context.Background(), stream)
		require.NoError(f.t, err)
		heads[i] = head
	}
	return heads
}

// find keeps the first finding of its kind.
func (f *fuzzer) find(o operation, status int, kind, told string) {
	key := fmt.Sprintf("%s %d %s", o, status, kind)
	if _, there := f.findings[key]; !there {
		f.findings[key] = told
	}
}

func (f *fuzzer) report() {
	f.t.Helper()
	sent := 0
	for _, n := range f.statuses {
		sent += n
	}
	f.t.Logf("%d operations, %d of them also let a request through, %d requests could not be sent, answers by status: %v",
		len(f.operations), len(f.answered), f.unsent, f.statuses)
	require.Greater(f.t, sent, 9*f.unsent, "most requests are sent")
	if sent >= fuzzRequests {
		require.Greater(f.t, len(f.answered), len(f.operations)/2, "most operations let a request through")
	}
	for _, o := range f.operations {
		if !f.answered[o.String()] {
			f.t.Logf("only refused: %s %s", o.dialect, o)
		}
	}
	keys := make([]string, 0, len(f.findings))
	for key := range f.findings {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		f.t.Errorf("%s\n  %s", key, f.findings[key])
	}
}
