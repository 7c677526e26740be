package api_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

// walk is a list of users that comes in pages: who is on a page, and the path of the
// next one, "" on the last.
type walk struct {
	first string
	read  func(body object) (usernames []string, next string)
}

// usersOf are the usernames of a list of objects.
func usersOf(list any) []string {
	var out []string
	for _, one := range list.([]any) {
		out = append(out, one.(object)["username"].(string))
	}
	return out
}

// byCursor walks as the own API says.
func byCursor(path string) walk {
	return walk{first: path + "?limit=7", read: func(body object) ([]string, string) {
		list := body["items"].([]any)
		for i, one := range list {
			if user, ok := one.(object)["user"].(object); ok { // of members
				list[i] = user
			}
		}
		next, _ := body["next"].(string)
		if next == "" {
			return usersOf(list), ""
		}
		return usersOf(list), path + "?limit=7&cursor=" + url.QueryEscape(next)
	}}
}

// byLinks walks by links to the next page, as RunWhen's clients do.
func byLinks(first string) walk {
	return walk{first: first, read: func(body object) ([]string, string) {
		next, _ := body["next"].(string)
		if i := strings.Index(next, "/api/"); i >= 0 {
			next = next[i:]
		}
		return usersOf(body["results"]), next
	}}
}

// afterID walks behind the last user that was seen, as Coder's lists offer it.
func afterID(path, list, id string) walk {
	return walk{first: path + "?limit=7", read: func(body object) ([]string, string) {
		page := body[list].([]any)
		if len(page) == 0 {
			return nil, ""
		}
		return usersOf(page), path + "?limit=7&after_id=" + page[len(page)-1].(object)[id].(string)
	}}
}

// walks are all lists of users that come in pages. Codimir and PM415 have none, and
// ABF's search is one page.
var walks = map[string]walk{ //nolint:gochecknoglobals // a constant table
	"/v1/users":             byCursor("/v1/users"),
	"/v1 members":           byCursor("/v1/organizations/default/members"),
	"runwhen by page":       byLinks("/api/v3/users?page_size=7"),
	"runwhen by offset":     byLinks("/api/v3/users?limit=7"),
	"coder users":           afterID("/api/v2/users", "users", "id"),
	"coder members by page": afterID("/api/v2/organizations/default/paginated-members", "members", "user_id"),
}

// TestWalksGiveEverybodyOnce walks each list to its end while users are added: between
// any two pages somebody came. Who was there at the begin is met once, nobody twice.
func TestWalksGiveEverybodyOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	var there []string
	for i := range 60 {
		there = append(there, comes(t, owner, fmt.Sprint("there-", i)))
	}
	for name, w := range walks {
		t.Run(name, func(t *testing.T) {
			met := map[string]int{}
			came := newcomers(t, owner, strings.Map(letters, name))
			pages := 0
			for path := w.first; path != ""; pages++ {
				require.Less(t, pages, 100, "a walk has an end: %s", path)
				<-came
				a := owner.Do(http.MethodGet, path, nil, nil)
				require.Equal(t, http.StatusOK, a.Status, "%s: %s", path, a.Body)
				require.Empty(t, a.Header.Get("Roster-Stale"))
				var usernames []string
				usernames, path = w.read(a.Map(s))
				for _, u := range usernames {
					met[u]++
				}
			}
			require.Greater(t, pages, 8)
			for _, u := range there {
				require.Equal(t, 1, met[u], "%s was there at the begin", u)
			}
			for u, n := range met {
				require.Equal(t, 1, n, u)
			}
		})
	}
}

// letters keeps what usernames may have.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// comes registers a user, in a random place of the order by name.
func comes(tb testing.TB, owner *apitest.Session, name string) string {
	tb.Helper()
	username, err := register(owner, name)
	require.NoError(tb, err)
	return username
}

func register(owner *apitest.Session, name string) (username string, err error) {
	username = fmt.Sprintf("%c%s", 'a'+rune(rand.IntN(26)), name)
	a, err := owner.Try(http.MethodPost, "/v1/users", nil, object{"username": username, "email": username + "@example.com"})
	if err == nil && a.Status != http.StatusCreated {
		err = fmt.Errorf("register %s: %d %s", username, a.Status, a.Body)
	}
	return username, err
}

// mostComing bounds who comes during one walk, so that a walk ends.
const mostComing = 60

// newcomers lets one after the other come until the test ends; the channel says so
// of each, and is closed when no more will.
func newcomers(t *testing.T, owner *apitest.Session, name string) <-chan struct{} {
	t.Helper()
	came := make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(came)
		for i := 0; i < mostComing && failed == nil; i++ {
			_, failed = register(owner, fmt.Sprint("-", name, "-", i))
			select {
			case came <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
		require.NoError(t, failed)
	})
	return came
}
