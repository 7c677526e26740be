package livepage_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestFilesAreServed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for path, content := range map[string]string{
		"/live": "text/html; charset=utf-8", "/live/live.js": "text/javascript; charset=utf-8", "/live/live.css": "text/css; charset=utf-8",
	} {
		a := s.Do("GET", path, nil, nil)
		require.Equal(t, http.StatusOK, a.Status, path)
		require.Equal(t, content, a.Header.Get("Content-Type"))
		require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
		require.NotContains(t, string(a.Body), "https://", "everything comes from here")
	}
}

// TestPage signs in, sees activities arrive, loses the connection, and sees what
// happened meanwhile exactly once.
func TestPage(t *testing.T) {
	t.Parallel()
	ctx := apitest.Browser(t)
	s := apitest.New(t)
	owner := s.FirstUser()
	road := newRoad(t, s.URL)
	record(t, owner, "1", "Fix login bug")

	var faults faults
	require.NoError(t, chromedp.Listen(ctx, faults.listen))
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Navigate("http://"+road.address+"/live"),
		chromedp.WaitVisible("#email"),
		shot("sign-in.png"),
		chromedp.SendKeys("#email", owner.Email),
		chromedp.SendKeys("#password", "wrong"),
		chromedp.Click("#sign-in"),
		chromedp.WaitVisible("#refused"),
		chromedp.SetValue("#password", apitest.Password),
		chromedp.Click("#sign-in"),
		chromedp.WaitVisible(`#state[data-state=connected]`),
		chromedp.WaitVisible(entity("Fix login bug")),
	))
	record(t, owner, "2", "Write the guide <b>bold</b>")
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(entity("Write the guide <b>bold</b>"))))

	road.close()
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(`#state[data-state=reconnecting]`), shot("reconnecting.png")))
	record(t, owner, "3", "While nobody listened")
	road.open(t)
	require.NoError(t, chromedp.Do(ctx,
		chromedp.WaitVisible(`#state[data-state=connected]`),
		chromedp.WaitVisible(entity("While nobody listened")),
	))
	record(t, owner, "4", "And live again")
	require.NoError(t, chromedp.Do(ctx,
		chromedp.WaitVisible(entity("And live again")),
		shot("live.png"),
	))
	ids, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#list li")].map((e) => e.dataset.id)`))
	require.NoError(t, err)
	position, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#position").dataset.position`))
	require.NoError(t, err)
	require.Equal(t, position, ids[0])
	unique := map[string]bool{}
	for _, id := range ids {
		require.False(t, unique[id], "%s twice", id)
		unique[id] = true
	}

	// A filter begins anew; the end of the session ends the stream and the page's use.
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Click(`//div[@id="types"]/button[text()="review"]`),
		chromedp.WaitVisible("#empty"),
	))
	token, err := chromedp.Run(ctx, chromedp.Evaluate[string](`sessionStorage.getItem("roster-token")`))
	require.NoError(t, err)
	s.Do("POST", "/api/v2/users/logout", map[string]string{"Coder-Session-Token": token}, nil)
	require.NoError(t, chromedp.Do(ctx,
		chromedp.WaitVisible(`#state[data-state=ended]`),
		chromedp.WaitVisible("#email"),
	))
	require.Empty(t, faults.all(), "the page works within its policy")
}

func entity(title string) string { return `//li//b[text()="` + title + `"]` }

// shot takes a picture, for people, where ROSTER_SCREENSHOTS names a folder.
func shot(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		dir := os.Getenv("ROSTER_SCREENSHOTS")
		if dir == "" {
			return nil
		}
		png, err := chromedp.FullScreenshot(100)(ctx, target)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), png, 0o600)
	})
}

func record(t *testing.T, c *apitest.Session, id, title string) {
	t.Helper()
	a := c.Do("POST", "/v1/activities", nil, map[string]any{
		"source": "tracker", "id": id, "user": map[string]any{"id": c.ID}, "type": "ticket", "action": "created",
		"entity":  map[string]any{"id": "T-" + id, "title": title},
		"project": map[string]any{"id": "web", "name": "Web App"}, "workspace": "acme", "occurredAt": "2026-05-03T10:00:00Z",
	})
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
}

// faults are exceptions that nobody caught on the page.
type faults struct {
	mu   sync.Mutex
	seen []string
}

func (f *faults) listen(event any) {
	if e, ok := event.(*runtime.EventExceptionThrown); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, e.ExceptionDetails.Text)
	}
}

func (f *faults) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// road leads to a server, and can be closed and opened.
type road struct {
	address, target string
	mu              sync.Mutex
	listener        net.Listener
	conns           []net.Conn
	going           sync.WaitGroup
}

func newRoad(t *testing.T, server string) *road {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	r := &road{target: u.Host, address: "127.0.0.1:0"}
	r.open(t)
	t.Cleanup(func() {
		r.close()
		r.going.Wait()
	})
	return r
}

func (r *road) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", r.address)
	require.NoError(t, err)
	r.mu.Lock()
	r.listener, r.address = l, l.Addr().String()
	r.mu.Unlock()
	r.going.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.going.Go(func() { r.join(conn) })
		}
	})
}

func (r *road) join(conn net.Conn) {
	up, err := net.Dial("tcp", r.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	r.mu.Lock()
	r.conns = append(r.conns, conn, up)
	r.mu.Unlock()
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{conn, up}, {up, conn}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
			_ = pair[1].Close()
		})
	}
	both.Wait()
}

// close ends what is under way and refuses what comes.
func (r *road) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}
