package projections_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/projections"
	"github.com/rosterhq/roster/projections/internal/projtest"
	"github.com/rosterhq/roster/projections/runtime"
)

// goldenUser is whom the golden files are about, goldenThing any other aggregate.
const (
	goldenUser  = "0190c3a8-0000-7000-8000-00000000000a"
	goldenThing = "0190c3a8-0000-7000-8000-0000000000cc"
)

// goldenMessage is a message as some release wrote it, about an aggregate of the
// right kind.
func goldenMessage(t *testing.T, typ events.Type) *nats.Msg {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "events", "testdata", "golden", string(typ)+".json"))
	require.NoError(t, err)
	var golden struct {
		Headers events.Headers
		Data    json.RawMessage
	}
	require.NoError(t, json.Unmarshal(raw, &golden))
	kind := strings.Split(string(typ), ".")[1]
	subject := "roster." + kind + "." + goldenThing
	golden.Headers[events.HeaderSubject] = []string{kind + "/" + goldenThing}
	switch kind {
	case string(events.User):
		subject, golden.Headers[events.HeaderSubject] = "roster.user."+goldenUser, []string{"user/" + goldenUser}
	case "activity":
		subject, golden.Headers[events.HeaderSubject] = "activity.0.1", []string{"user/" + goldenUser}
	}
	msg := nats.NewMsg(subject)
	msg.Header, msg.Data = nats.Header(golden.Headers), golden.Data
	return msg
}

// lifeOrder puts beginnings first and ends last.
func lifeOrder(types []events.Type) []events.Type {
	var first, middle, last []events.Type
	for _, t := range types {
		switch name := strings.Split(string(t), ".")[2]; name {
		case "registered", "created":
			first = append(first, t)
		case "deleted", "erased":
			last = append(last, t)
		default:
			middle = append(middle, t)
		}
	}
	return append(append(first, middle...), last...)
}

// TestGoldenFilesAreProjected takes the bytes of every version that was ever released
// through every projection that handles it, on a real database: decoded, brought up
// to the newest version, and written.
func TestGoldenFilesAreProjected(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e := projtest.New(t)
	key, err := events.NewDataKey([]byte("golden files are sealed with it!"))
	require.NoError(t, err)
	e.Keys.Put(goldenUser, key)
	all := projections.All()
	e.Run(all...)
	released := events.Released()
	written := map[string]string{} // what each projection held after each event that it handles
	handled := map[string]bool{}
	for _, typ := range lifeOrder(released.Types()) {
		ack, err := e.JS.PublishMsg(ctx, goldenMessage(t, typ))
		require.NoError(t, err)
		newest, _ := released.Current(typ)
		for _, p := range all {
			if p.Stream != released.Stream(typ) {
				continue
			}
			e.Await(p, ack.Sequence)
			if !handles(p, newest) {
				continue
			}
			handled[p.Name] = true
			written[p.Schema()] += e.Dump(p)
		}
	}
	parked, err := runtime.Parked(ctx, e.Connect(), "", 100)
	require.NoError(t, err)
	require.Empty(t, parked, "what was released once is handled for ever")
	for _, p := range all {
		require.True(t, handled[p.Name], "%s handled nothing", p.Name)
	}
	require.Contains(t, written["users_v2"], "alice-b")
	require.Contains(t, written["credentials_v2"], goldenUser)
	require.Contains(t, written["history_v1"], "roster.user.key-created.v1")
	require.Contains(t, written["activity_v1"], "Fix login bug")
}

func handles(p runtime.Projection, t events.Type) bool {
	for _, h := range p.Handlers {
		if h.Type() == t || h.Type() == "*" {
			return true
		}
	}
	return false
}
