package roles_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/rosterhq/roster/evidence"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/testenv"
)

// installation is an api process and a projector, each as its user.
type installation struct {
	broker   *broker
	settings map[string]string
	url      string
	token    string
	said     *observer.ObservedLogs
	logger   *zap.Logger
}

func newInstallation(t *testing.T, b *broker) *installation {
	t.Helper()
	core, said := observer.New(zapcore.InfoLevel)
	secret, err := evidence.MakeKey(rand.Reader, "example.org")
	require.NoError(t, err)
	return &installation{broker: b, said: said, logger: zap.New(core), settings: map[string]string{
		"DATABASE_URL": testenv.Postgres(t), "ROSTER_MASTER_KEY": fmt.Sprintf("%x", testenv.MasterKey()),
		"ROSTER_HTTP_ADDR": "127.0.0.1:0", "ROSTER_RATE_LIMITS": "off", "ROSTER_PROJECTORS": "off",
		"ROSTER_CHECKPOINT_KEY": secret, "ROSTER_CHECKPOINT_INTERVAL": "1s",
	}}
}

// as are the settings of a process that connects as a user.
func (in *installation) as(user string) config.Input {
	return config.Input{Name: user, Out: io.Discard, Lookup: func(name string) (string, bool) {
		if name == "ROSTER_NATS_URL" {
			return in.broker.url(user), true
		}
		value, ok := in.settings[name]
		return value, ok
	}}
}

func (in *installation) apiSettings(t *testing.T, user string) config.API {
	t.Helper()
	c, err := config.ReadAPI(in.as(user))
	require.NoError(t, err)
	return c
}

func (in *installation) startAPI(ctx context.Context, t *testing.T) (*app.API, error) {
	t.Helper()
	a, err := app.StartAPI(ctx, in.apiSettings(t, "api"), in.logger)
	if err != nil {
		return nil, err
	}
	in.url = a.URL()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, a.Stop(context.Background()))
	})
	return a, nil
}

func (in *installation) startProjector(ctx context.Context, t *testing.T) error {
	t.Helper()
	c, err := config.ReadProjector(in.as("projector"))
	require.NoError(t, err)
	p, err := app.StartProjector(ctx, c, in.logger)
	if err != nil {
		return err
	}
	t.Cleanup(func() { require.NoError(t, p.Stop(context.Background())) })
	return nil
}

// start starts both at once, on an empty broker.
func (in *installation) start(t *testing.T) {
	t.Helper()
	projects := make(chan error, 1)
	go func() { projects <- in.startProjector(t.Context(), t) }()
	require.Eventually(t, func() bool {
		return in.said.FilterMessageSnippet("waiting for it").Len() > 0
	}, 30*time.Second, 10*time.Millisecond, "the projector makes no streams")
	_, err := in.startAPI(t.Context(), t)
	require.NoError(t, err)
	require.NoError(t, <-projects)
}

func (in *installation) call(method, path, body string) (status int, answer string, err error) {
	req, err := http.NewRequest(method, in.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if in.token != "" {
		req.Header.Set("Authorization", "Bearer "+in.token)
		req.Header.Set("Coder-Session-Token", in.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func (in *installation) must(t *testing.T, want int, method, path, body string) string {
	t.Helper()
	status, answer, err := in.call(method, path, body)
	require.NoError(t, err)
	require.Equal(t, want, status, answer)
	return answer
}

func (in *installation) enter(t *testing.T) {
	t.Helper()
	in.must(t, http.StatusCreated, http.MethodPost, "/api/v2/users/first", `{"email":"ada@example.com","username":"ada","password":"SomeSecurePassword!"}`)
	var login struct {
		Token string `json:"session_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(in.must(t, http.StatusCreated, http.MethodPost, "/api/v2/users/login", `{"email":"ada@example.com","password":"SomeSecurePassword!"}`)), &login))
	in.token = login.Token
}

// live is what users and operators of an installation do.
func (in *installation) live(t *testing.T) {
	t.Helper()
	in.enter(t)
	for _, name := range []string{"grace", "linus"} {
		in.must(t, http.StatusCreated, http.MethodPost, "/v1/users", fmt.Sprintf(`{"username":%q,"email":"%s@example.com"}`, name, name))
	}
	in.must(t, http.StatusOK, http.MethodPatch, "/v1/users/grace", `{"name":"Grace Hopper"}`)
	in.useKey(t)
	lines := in.stream(t)
	in.must(t, http.StatusOK, http.MethodPost, "/v1/activities",
		`{"source":"tracker","id":"T-1","user":{"username":"grace"},"type":"ticket","action":"created","entity":{"id":"T-1"},"occurredAt":"2026-05-03T10:00:00Z"}`)
	in.awaitLine(t, lines, `"T-1"`)
	require.Eventually(t, func() bool {
		_, answer, err := in.call(http.MethodGet, "/v1/users/grace/activities", "")
		return err == nil && strings.Contains(answer, `"T-1"`) && strings.Contains(answer, `"account`)
	}, 30*time.Second, 20*time.Millisecond, "the ticket, and what the projector tells of her account")
	in.must(t, http.StatusNoContent, http.MethodPost, "/v1/users/linus/erase", `{}`)
	in.must(t, http.StatusNotFound, http.MethodGet, "/v1/users/linus", "")
	require.Contains(t, in.must(t, http.StatusOK, http.MethodGet, "/v1/admin/log?stream=roster", ""), "user.erased")
	require.Contains(t, in.must(t, http.StatusOK, http.MethodGet, "/v1/admin/log?stream=usage", ""), "usage.key.")
	require.NotEmpty(t, in.must(t, http.StatusOK, http.MethodGet, "/v1/admin/log/keys", ""))
	in.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace/history", "")
	in.must(t, http.StatusOK, http.MethodGet, "/v1/events", "")
	require.Eventually(t, func() bool {
		_, answer, err := in.call(http.MethodGet, "/v1/checkpoints?newest=true", "")
		return err == nil && strings.Contains(answer, "example.org")
	}, 30*time.Second, 50*time.Millisecond, "the log is signed")
}

// useKey makes a key of a user and uses it.
func (in *installation) useKey(t *testing.T) {
	t.Helper()
	var key struct{ ID, Token string }
	require.NoError(t, json.Unmarshal([]byte(in.must(t, http.StatusCreated, http.MethodPost, "/v1/users/grace/keys", `{"name":"ci","scopes":["all"]}`)), &key))
	session := in.token
	in.token = key.Token
	in.must(t, http.StatusOK, http.MethodGet, "/v1/users/grace", "")
	in.token = session
	in.must(t, http.StatusOK, http.MethodGet, "/api/v2/users/ada", "")
	require.Eventually(t, func() bool {
		_, answer, err := in.call(http.MethodGet, "/api/v2/users", "")
		return err == nil && strings.Contains(answer, `"last_seen_at":"2`)
	}, 30*time.Second, 20*time.Millisecond, "the use of the session is kept and folded")
	in.must(t, http.StatusNoContent, http.MethodDelete, "/v1/users/grace/keys/"+key.ID, "")
}

func (in *installation) stream(t *testing.T) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+"/v1/activities/stream?type=ticket", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+in.token)
	req.Header.Set("Accept", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for scanner := bufio.NewScanner(res.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

func (in *installation) awaitLine(t *testing.T, lines <-chan string, has string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			require.True(t, ok, "the stream ended")
			if strings.Contains(line, has) {
				return
			}
		case <-limit:
			require.Fail(t, "nothing came")
		}
	}
}

// TestEachUserCanDoItsWork and nothing else: the life of an installation is refused
// nothing, and whatever else somebody tries is refused.
func TestEachUserCanDoItsWork(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	in := newInstallation(t, b)
	in.start(t)
	in.live(t)
	require.Empty(t, b.violations())
	require.Empty(t, in.said.FilterMessageSnippet("refuses").All())

	t.Run("operates", func(t *testing.T) { operates(t, in) })
	t.Run("reads", func(t *testing.T) { reads(t, b) })
	in.settles(t) // what the projector still writes is not written by who is refused
	t.Run("refused", func(t *testing.T) { triesTheRest(t, b) })
}

// settles waits until every projection is where the log ends.
func (in *installation) settles(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		var list struct{ Items []struct{ Lag int } }
		require.NoError(t, json.Unmarshal([]byte(in.must(t, http.StatusOK, http.MethodGet, "/v1/admin/projections", "")), &list))
		return len(list.Items) > 0 && !slices.ContainsFunc(list.Items, func(p struct{ Lag int }) bool { return p.Lag > 0 })
	}, 30*time.Second, 20*time.Millisecond)
}

// reads is what an analyst does.
func reads(t *testing.T, b *broker) {
	t.Helper()
	operator, err := jetstream.New(b.connect(t, "operator").Conn)
	require.NoError(t, err)
	_, err = operator.CreateConsumer(t.Context(), "ACTIVITY", jetstream.ConsumerConfig{Durable: "reader", AckPolicy: jetstream.AckNonePolicy})
	require.NoError(t, err)

	c := b.connect(t, "reader")
	js, err := jetstream.New(c.Conn)
	require.NoError(t, err)
	for _, name := range []string{"ROSTER", "ACTIVITY"} {
		stream, err := js.Stream(t.Context(), name)
		require.NoError(t, err, name)
		last := stream.CachedInfo().State.LastSeq
		require.NotZero(t, last)
		m, err := stream.GetMsg(t.Context(), last)
		require.NoError(t, err, name)
		require.Equal(t, last, m.Sequence)
		require.Equal(t, int(last), inOrder(t, c, name), "many at once")
	}
	consumer, err := js.Consumer(t.Context(), "ACTIVITY", "reader")
	require.NoError(t, err)
	batch, err := consumer.Fetch(2, jetstream.FetchMaxWait(10*time.Second))
	require.NoError(t, err)
	got := 0
	for m := range batch.Messages() {
		require.True(t, strings.HasPrefix(m.Subject(), "activity."), m.Subject())
		got++
	}
	require.NoError(t, batch.Error())
	require.Equal(t, 2, got, "from the consumer that the operator made")
	require.Empty(t, c.refused)
}

// inOrder counts the messages of a stream, with one question.
func inOrder(t *testing.T, c *client, stream string) int {
	t.Helper()
	inbox := c.NewInbox()
	sub, err := c.SubscribeSync(inbox)
	require.NoError(t, err)
	require.NoError(t, c.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, []byte(`{"seq":1,"next_by_subj":">","batch":1000}`)))
	for n := 0; ; n++ {
		m, err := sub.NextMsg(10 * time.Second)
		require.NoError(t, err)
		if status := m.Header.Get("Status"); status != "" {
			require.Equal(t, "204", status)
			return n
		}
		require.NotEmpty(t, m.Header.Get(jetstream.SequenceHeader))
	}
}
