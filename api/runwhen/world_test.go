package runwhen_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type object = map[string]any

// world is a system with an owner and three others: ada and bob share a workspace
// "main", which ada owns; eve is alone.
type world struct {
	*apitest.System
	t                    *testing.T
	owner, ada, bob, eve *apitest.Session
	workspace            string
	system               commands.Request
}

func newWorld(t *testing.T, options ...apitest.Option) *world {
	t.Helper()
	// Those that the tests need: Coder's is how apitest signs in.
	options = append([]apitest.Option{apitest.WithDialects("runwhen", "coder")}, options...)
	w := &world{System: apitest.New(t, options...), t: t, system: commands.Request{Actor: commands.Actor{UserID: commands.SystemActor}}}
	w.owner = w.FirstUser()
	w.ada, w.bob, w.eve = w.owner.NewUser("ada"), w.owner.NewUser("bob"), w.owner.NewUser("eve")
	made, err := w.Commands.CreateWorkspace(t.Context(), w.system, commands.CreateWorkspace{
		Name: "main", DisplayName: "Main", Owner: w.ada.ID, Locations: []string{"eu-1"},
	})
	w.noted(made.Position, err)
	w.workspace = made.Workspace.ID
	given, err := w.Commands.GrantPermission(t.Context(), w.system, w.workspace, events.Grantee{User: w.bob.ID}, events.WorkspaceReadOnly)
	w.noted(given.Position, err)
	return w
}

// noted lets reads wait for a command that did not come by HTTP.
func (w *world) noted(p events.Position, err error) {
	w.t.Helper()
	require.NoError(w.t, err)
	w.Queries.NoteAny(p)
}

// as asks as somebody, nobody for nil; want is the status.
func (w *world) as(who *apitest.Session, method, path string, body any, want int) apitest.Answer {
	w.t.Helper()
	do := w.Do
	if who != nil {
		do = who.Do
	}
	a := do(method, "/api/v3"+path, nil, body)
	require.Equal(w.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	if want != http.StatusNoContent {
		require.Equal(w.t, "application/json", a.Header.Get("Content-Type"))
	}
	return a
}

func (w *world) get(who *apitest.Session, path string) object {
	w.t.Helper()
	return w.as(who, "GET", path, nil, http.StatusOK).Map(w.System)
}

func (w *world) list(who *apitest.Session, path string) []object {
	w.t.Helper()
	var out []object
	w.as(who, "GET", path, nil, http.StatusOK).JSON(w.System, &out)
	return out
}

// refused asks for the detail of a refusal.
func (w *world) refused(who *apitest.Session, method, path string, body any, want int, detail string) apitest.Answer {
	w.t.Helper()
	a := w.as(who, method, path, body, want)
	require.Equal(w.t, object{"detail": detail}, a.Map(w.System), "%s %s", method, path)
	return a
}

// problems asks for the exact problems of a 422, as JSON.
func (w *world) problems(who *apitest.Session, method, path string, body any, want string) {
	w.t.Helper()
	a := w.as(who, method, path, body, http.StatusUnprocessableEntity)
	require.JSONEq(w.t, `{"detail":`+want+`}`, string(a.Body), "%s %s %v", method, path, body)
}

func (w *world) number(s *apitest.Session) int64 {
	w.t.Helper()
	return int64(w.get(s, "/users/whoami")["id"].(float64))
}

func (w *world) path(s *apitest.Session) string { return fmt.Sprintf("/users/%d", w.number(s)) }

// bearing is somebody with another token.
func (w *world) bearing(who *apitest.Session, token string) *apitest.Session {
	other := *who
	other.Token = token
	return &other
}

func (w *world) head() uint64 {
	w.t.Helper()
	head, err := w.Log.Head(w.t.Context(), events.Roster)
	require.NoError(w.t, err)
	return head
}

func names(list []object) (out []any) {
	for _, u := range list {
		out = append(out, u["username"])
	}
	return out
}

func jsonOf(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}
