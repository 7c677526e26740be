package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answered is what one writer was promised.
type answered struct {
	users   []string
	renamed int // the last answered change of the first one's name; -1 for none
}

// Whatever was answered is there after a kill at any moment, no PostgreSQL is
// left running, and the next start just works.
func TestWhatWasAnsweredSurvivesKills(t *testing.T) {
	t.Parallel()
	kills := 12
	if testing.Short() {
		kills = 3
	}
	const seed = 20150101
	random := rand.New(rand.NewPCG(seed, seed))
	dir := dataDir(t)
	r := start(t, "ROSTER_DATA_DIR="+dir)
	token := r.enter(t)
	total := 0
	for round := range kills {
		promised := writeUntilKilled(t, r, token, round, time.Duration(20+random.IntN(280))*time.Millisecond)
		// The next process does not wait for the old PostgreSQL to go.
		r = start(t, "ROSTER_DATA_DIR="+dir)
		for _, p := range promised {
			total += len(p.users)
			requireKept(t, r, token, p)
		}
	}
	require.Positive(t, total)
	t.Logf("%d kills, %d users answered, all there", kills, total)
	r.kill(t)
	require.Eventually(t, func() bool { return postmaster(dir) == 0 }, 10*time.Second, 5*time.Millisecond,
		"PostgreSQL ends with its process")
}

// writeUntilKilled lets four writers write until the process is killed after a
// while, and returns what they were promised.
func writeUntilKilled(t *testing.T, r *running, token string, round int, after time.Duration) []answered {
	t.Helper()
	promised := make([]answered, 4)
	var writers sync.WaitGroup
	for w := range promised {
		writers.Go(func() {
			promised[w] = write(r, token, fmt.Sprintf("k%d-%d", round, w))
		})
	}
	timer := time.NewTimer(after)
	<-timer.C
	r.kill(t)
	writers.Wait()
	http.DefaultClient.CloseIdleConnections()
	return promised
}

// write registers users, and counts in the name of the first, until an
// answer does not come.
func write(r *running, token, name string) answered {
	a := answered{renamed: -1}
	for n := 0; ; n++ {
		user := fmt.Sprintf("%s-%d", name, n)
		status, _, err := r.call(http.MethodPost, "/v1/users", token, fmt.Sprintf(`{"username":%q,"email":"%s@example.com"}`, user, user))
		if err != nil || status != http.StatusCreated {
			return a
		}
		a.users = append(a.users, user)
		status, _, err = r.call(http.MethodPatch, "/v1/users/"+a.users[0], token, fmt.Sprintf(`{"name":"name-%d"}`, n))
		if err != nil || status != http.StatusOK {
			return a
		}
		a.renamed = n
	}
}

func requireKept(t *testing.T, r *running, token string, p answered) {
	t.Helper()
	for i, user := range p.users {
		answer := r.must(t, http.StatusOK, http.MethodGet, "/v1/users/"+user, token, "")
		if i == 0 && p.renamed >= 0 {
			// The change after the last answered one may be there, too.
			require.Regexp(t, fmt.Sprintf(`"name":"name-(%d|%d)"`, p.renamed, p.renamed+1), answer)
		}
	}
}
