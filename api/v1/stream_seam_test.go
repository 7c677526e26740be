package v1_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/query/live"
)

// TestNothingIsLostOrTwice lets clients come, leave anywhere and come back by
// their last id, on two servers in turn, while others write. Whatever the moment
// at which the past becomes live, each must get everything once, in order.
func TestNothingIsLostOrTwice(t *testing.T) {
	t.Parallel()
	// A small buffer: clients are cut off for slowness too, and resume.
	s := apitest.New(t, apitest.WithStreams(live.Config{Buffer: 32}))
	owner := s.FirstUser()
	owner.NewUser("ada")
	second, _ := other(t, s, nil)
	servers := []string{s.URL, second.URL}

	const writers, batches, batch = 4, 40, 8
	const total = writers * batches * batch
	want := map[string][]string{ // of each path, in order of position; filled at the end
		"/v1/activities/stream?type=ticket,review":                  nil,
		"/v1/activities/stream?type=review":                         nil,
		"/v1/users/ada/activities/stream?type=ticket":               nil,
		"/v1/activities/stream?user=ada&type=ticket":                nil,
		"/v1/activities/stream?user=ada&user=me&type=ticket,review": nil,
	}
	var wrote atomic.Bool
	var group sync.WaitGroup
	var clients sync.Map
	for path := range want {
		for n := range 3 {
			group.Go(func() {
				c := &wanderer{owner: owner, t: t, path: path, random: rand.New(rand.NewPCG(uint64(n), uint64(len(path))))}
				clients.Store(fmt.Sprint(path, " ", n), c)
				c.run(servers, wrote.Load)
			})
		}
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			user, more := "ada", object{}
			if w%2 == 1 {
				user, more = "owner", object{"type": "review"}
			}
			for i := range batches {
				record(owner, t, user, more, prefixed(fmt.Sprint(w, "/", i, "/"), batch)...)
			}
		})
	}
	writing.Wait()
	for path := range want {
		want[path] = everything(owner, t, s.URL+path)
	}
	require.Len(t, want["/v1/activities/stream?type=ticket,review"], total)
	require.Len(t, want["/v1/activities/stream?type=review"], total/2)
	wrote.Store(true)
	group.Wait()
	clients.Range(func(name, value any) bool {
		c := value.(*wanderer)
		require.Equal(t, want[c.path], c.got, name)
		t.Log(name, "came", c.visits, "times")
		return true
	})
}

func prefixed(prefix string, n int) []string {
	ids := numbered(0, n)
	for i := range ids {
		ids[i] = prefix + ids[i]
	}
	return ids
}

// everything reads a stream from the beginning until nothing comes any more: a
// last activity marks the end.
func everything(owner *apitest.Session, t *testing.T, url string) []string {
	t.Helper()
	mark := "mark " + url
	record(owner, t, "ada", object{"type": "project"}, mark)
	f := request(owner, t, http.DefaultTransport, url+",project&last_event_id=earliest", nil)
	defer f.close()
	f.read()
	var got []string
	for {
		e := f.next()
		o := e.object(t)
		switch {
		case o["sourceId"] == mark:
			return got
		case o["type"] != "project":
			got = append(got, e.id)
		}
	}
}

// wanderer is a client that leaves after a random number of events.
type wanderer struct {
	owner  *apitest.Session
	t      *testing.T
	path   string
	random *rand.Rand
	got    []string
	visits int
}

func (c *wanderer) run(servers []string, wrote func() bool) {
	last := "earliest"
	deadline := time.Now().Add(2 * patience)
	for quiet := 0; quiet < 2 && time.Now().Before(deadline); {
		all := wrote()
		before := len(c.got)
		c.visit(servers[c.visits%len(servers)], &last)
		if quiet++; !all || len(c.got) > before {
			quiet = 0
		}
	}
}

// visit reads some events, or until nothing came for a moment.
func (c *wanderer) visit(server string, last *string) {
	c.visits++
	f := request(c.owner, c.t, http.DefaultTransport, server+c.path, map[string]string{"Last-Event-ID": *last})
	defer f.close()
	f.read()
	for range 1 + c.random.IntN(300) {
		select {
		case e, ok := <-f.events:
			if !ok {
				return
			}
			if e.name == "reset" {
				c.t.Errorf("reset at %s: %s", *last, e.data)
			}
			if strings.HasPrefix(e.id, "a") && e.data != "" {
				*last = e.id
				c.got = append(c.got, e.id)
			}
		case <-time.After(500 * time.Millisecond):
			return
		}
	}
}

// dialNarrow makes a connection that takes few bytes unread, whatever the system
// would let it grow to.
func dialNarrow(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("%T is not over TCP", conn)
	}
	return tcp, tcp.SetReadBuffer(4 << 10)
}

// TestSlowClientIsCutOff writes more than buffers take while a client reads
// nothing, and lets it come back.
func TestSlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithStreams(live.Config{Buffer: 16}))
	owner := s.FirstUser()
	record(owner, t, "owner", nil, "0")
	narrow := &http.Transport{ReadBufferSize: 1 << 10, DisableKeepAlives: true, DialContext: dialNarrow}
	f := request(owner, t, narrow, s.URL+"/v1/activities/stream"+onlyTickets, nil)
	large := object{"metadata": object{"text": strings.Repeat("x", 15_000)}}
	const n = 160 // 2 MB: more than the system holds for a connection
	for i := 1; i < n; i += 20 {
		record(owner, t, "owner", large, numbered(i, 20)...)
	}
	f.read()
	next := 0
	for {
		e := f.next()
		if e.name == "overflow" {
			break
		}
		require.Equal(t, fmt.Sprint(next), e.object(t)["sourceId"])
		next++
	}
	require.Less(t, next, n)
	f.ends(soon)
	t.Logf("cut off after %d of %d", next, n)
	g := follow(owner, t, "/v1/activities/stream"+onlyTickets, map[string]string{"Last-Event-ID": f.last})
	for ; next < n; next++ {
		require.Equal(t, fmt.Sprint(next), g.next().object(t)["sourceId"])
	}
}
