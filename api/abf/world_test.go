package abf_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type object = map[string]any

// basic is the header of somebody who sends name and password.
func basic(name, password string) map[string]string {
	return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}

// world is a system with its owner and ada, whose number is 2.
type world struct {
	*apitest.System
	t          *testing.T
	owner, ada *apitest.Session
}

func newWorld(t *testing.T, options ...apitest.Option) *world {
	t.Helper()
	s := apitest.New(t, options...)
	owner := s.FirstUser()
	return &world{System: s, t: t, owner: owner, ada: owner.NewUser("ada-love")}
}

// as asks as ada by HTTP Basic; want is the status.
func (w *world) as(method, path string, body any, want int) apitest.Answer {
	w.t.Helper()
	a := w.Do(method, path, basic("ada-love", apitest.Password), body)
	require.Equal(w.t, want, a.Status, "%s %s: %s", method, path, a.Body)
	return a
}

// me is the caller's user object.
func (w *world) me() object {
	w.t.Helper()
	return w.as("GET", "/api/v1/user.json", nil, http.StatusOK).Map(w.System)["user"].(object)
}

func (w *world) number(s *apitest.Session) int64 {
	w.t.Helper()
	a := s.Do("GET", "/v1/users/me", nil, nil)
	require.Equal(w.t, http.StatusOK, a.Status)
	return int64(a.Map(w.System)["number"].(float64))
}

func userPath(number int64) string { return fmt.Sprintf("/api/v1/users/%d.json", number) }
