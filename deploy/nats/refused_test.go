package roles_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// right is something that only some may do.
type right struct {
	publish, subscribe string
	of                 []string
}

// rights are what there is to refuse. What somebody may do is proven where it is done.
func rights() []right {
	var list []right
	publish := func(of []string, subjects ...string) {
		for _, s := range subjects {
			list = append(list, right{publish: s, of: of})
		}
	}
	writers, operator := []string{"api", "operator"}, []string{"operator"}
	projectors := []string{"api", "projector", "operator"}
	publish(writers, "roster.user.0", "roster.claim.username.0", "keys.user.0", "keys.secret", "state.user.0", "usage.key.0", "checkpoints.roster", "tiles.roster.0.0")
	publish(projectors, "activity.0.0")
	publish(nil, "other", "_INBOX.0", "_INBOX_api.0", "_INBOX_projector.0", "_INBOX_reader.0", "_INBOX_operator.0")

	streams := []string{"ROSTER", "ACTIVITY", "KEYS", "STATE", "USAGE", "CHECKPOINTS", "TILES"}
	for _, s := range streams {
		publish(operator, "$JS.API.STREAM.UPDATE."+s, "$JS.API.STREAM.DELETE."+s, "$JS.API.STREAM.SNAPSHOT."+s, "$JS.API.STREAM.RESTORE."+s,
			"$JS.API.STREAM.LEADER.STEPDOWN."+s, "$JS.API.CONSUMER.DURABLE.CREATE."+s+".c", "$JS.API.CONSUMER.NAMES."+s, "$JS.API.CONSUMER.LIST."+s)
		publish(writers, "$JS.API.STREAM.CREATE."+s)
		purges, deletes := operator, operator
		if s == "STATE" {
			purges = writers
		}
		if s == "KEYS" {
			deletes = writers
		}
		publish(purges, "$JS.API.STREAM.PURGE."+s)
		publish(deletes, "$JS.API.STREAM.MSG.DELETE."+s)
	}
	publish(operator, "retired.mark", "$JS.API.STREAM.CREATE.RETIRED", "$JS.API.STREAM.DELETE.RETIRED", "$JS.API.CONSUMER.CREATE.RETIRED.c")
	publish(operator, "$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.INFO")
	for _, verb := range []string{"CREATE", "INFO", "MSG.NEXT", "DELETE"} {
		publish(writers, "$JS.API.CONSUMER."+verb+".KEYS.c")
		publish(operator, "$JS.API.CONSUMER."+verb+".STATE.c", "$JS.API.CONSUMER."+verb+".CHECKPOINTS.c", "$JS.API.CONSUMER."+verb+".TILES.c")
		publish(projectors, "$JS.API.CONSUMER."+verb+".ROSTER.c", "$JS.API.CONSUMER."+verb+".ACTIVITY.c", "$JS.API.CONSUMER."+verb+".USAGE.c")
	}
	publish(projectors, "$JS.API.DIRECT.GET.KEYS", "$JS.API.DIRECT.GET.KEYS.keys.secret", "$JS.API.STREAM.MSG.GET.KEYS", "$JS.API.STREAM.INFO.KEYS",
		"$JS.API.STREAM.INFO.STATE", "$JS.API.STREAM.INFO.USAGE")
	publish(writers, "$JS.API.DIRECT.GET.STATE.state.user.0", "$JS.API.DIRECT.GET.USAGE.usage.key.0", "$JS.API.STREAM.INFO.TILES", "$JS.API.STREAM.MSG.GET.TILES")
	publish(operator, "$JS.API.DIRECT.GET.STATE", "$JS.API.STREAM.MSG.GET.STATE", "$JS.API.DIRECT.GET.USAGE", "$JS.API.STREAM.MSG.GET.USAGE", "$JS.API.DIRECT.GET.TILES")
	publish([]string{"api", "reader", "operator"}, "$JS.API.STREAM.INFO.CHECKPOINTS", "$JS.API.STREAM.MSG.GET.CHECKPOINTS")
	for _, ask := range []string{
		"DIRECT.GET.KEYS", "DIRECT.GET.KEYS.keys.secret", "STREAM.MSG.GET.KEYS", "STREAM.INFO.KEYS", "DIRECT.GET.STATE", "DIRECT.GET.USAGE",
		"STREAM.NAMES", "STREAM.LIST", "STREAM.PURGE.ACTIVITY", "STREAM.DELETE.ACTIVITY", "STREAM.MSG.DELETE.ACTIVITY", "STREAM.UPDATE.ACTIVITY",
		"CONSUMER.CREATE.ACTIVITY.c", "CONSUMER.DURABLE.CREATE.ACTIVITY.c", "CONSUMER.DELETE.ACTIVITY.reader", "CONSUMER.MSG.NEXT.ACTIVITY.other", "INFO",
	} {
		publish(projectors, "$JS.API."+ask) // some of them may, the reader may not
	}
	publish(nil, "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.ACCOUNT.ROSTER.CONNZ", "$SYS.REQ.SERVER.X.RELOAD")

	for _, s := range []string{
		">", "*", "roster.>", "activity.>", "keys.>", "state.>", "usage.>", "$SYS.>", "$JS.>", "$JS.API.>", "$JS.ACK.>", "_R_.>",
		"_INBOX.>", "_INBOX.*", "_INBOX_*.>", "roster.user.0",
	} {
		list = append(list, right{subscribe: s})
	}
	for _, user := range []string{"api", "projector", "reader", "operator"} {
		list = append(list, right{subscribe: "_INBOX_" + user + ".>", of: []string{user}}, right{subscribe: "_INBOX_" + user + ".a.b", of: []string{user}})
	}
	return list
}

// triesTheRest: each user tries what is not its own.
func triesTheRest(t *testing.T, b *broker) {
	t.Helper()
	before := states(t, b)
	for _, user := range []string{"api", "projector", "reader", "operator"} {
		c := b.connect(t, user)
		tried := 0
		for _, r := range rights() {
			if slices.Contains(r.of, user) {
				continue
			}
			tried++
			if r.subscribe != "" {
				require.Error(t, c.hears(t, r.subscribe), "%s hears %s", user, r.subscribe)
				continue
			}
			require.Error(t, c.asks(t, r.publish), "%s publishes to %s", user, r.publish)
		}
		require.Greater(t, tried, 25, user)
	}
	require.Equal(t, before, states(t, b), "nothing changed")
	answersElsewhere(t, b)
}

// hears subscribes, and returns the refusal.
func (c *client) hears(t *testing.T, subject string) error {
	t.Helper()
	sub, err := c.SubscribeSync(subject)
	require.NoError(t, err)
	require.NoError(t, c.Flush())
	defer func() { _ = sub.Unsubscribe() }()
	select { // the server refused before it answered the flush
	case err := <-c.refused:
		return checkRefusal(t, err, subject)
	case <-time.After(time.Second):
		return nil
	}
}

func checkRefusal(t *testing.T, err error, subject string) error {
	t.Helper()
	require.ErrorIs(t, err, nats.ErrPermissionViolation)
	// Those of other accounts are mapped first.
	require.Contains(t, strings.ReplaceAll(err.Error(), "JS.ROSTER.API.", "$JS.API."), `"`+subject+`"`)
	return err
}

// asks publishes a request, and returns the refusal: by the server, or because there
// is nobody in the user's account who would answer.
func (c *client) asks(t *testing.T, subject string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		_, err := c.RequestWithContext(ctx, subject, []byte(`{}`))
		answered <- err
	}()
	select {
	case err := <-c.refused:
		cancel()
		require.Error(t, <-answered)
		return checkRefusal(t, err, subject)
	case err := <-answered:
		if errors.Is(err, nats.ErrNoResponders) {
			return err
		}
		t.Log(err)
		return nil
	}
}

// states are what the streams hold, as the operator sees them.
func states(t *testing.T, b *broker) map[string]uint64 {
	t.Helper()
	js, err := jetstream.New(b.connect(t, "operator").Conn)
	require.NoError(t, err)
	out := map[string]uint64{}
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		switch info.Config.Name {
		case "ROSTER", "ACTIVITY", "KEYS": // what lives on by itself is left out
			out[info.Config.Name] = info.State.LastSeq
			out[info.Config.Name+" messages"] = info.State.Msgs
		}
	}
	require.NoError(t, list.Err())
	require.Len(t, out, 6)
	return out
}

// answersElsewhere: neither a projector nor a reader can have answers sent into a stream.
// The server checks where a question goes, not where its answer goes.
func answersElsewhere(t *testing.T, b *broker) {
	t.Helper()
	before := states(t, b)
	for user, streams := range map[string][]string{
		"projector": {"roster.user.0", "keys.user.0"}, "reader": {"roster.user.0", "activity.0.0", "keys.user.0"},
		"api": nil, // it may write, and delete no more by an answer than by a question
	} {
		c := b.connect(t, user)
		js, err := jetstream.New(c.Conn)
		require.NoError(t, err)
		consumer := "reader"
		if user != "reader" {
			made, err := js.CreateConsumer(t.Context(), "ACTIVITY", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
			require.NoError(t, err)
			consumer = made.CachedInfo().Name
		}
		for _, into := range append(streams, "$JS.API.STREAM.DELETE.KEYS", "$JS.API.STREAM.PURGE.ACTIVITY") {
			require.NoError(t, c.PublishRequest("$JS.API.STREAM.INFO.ROSTER", into, nil))
			require.NoError(t, c.PublishRequest("$JS.API.STREAM.MSG.GET.ACTIVITY", into, []byte(`{"seq":1}`)))
			require.NoError(t, c.PublishRequest("$JS.API.DIRECT.GET.ACTIVITY", into, []byte(`{"seq":1}`)))
			require.NoError(t, c.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.ACTIVITY."+consumer, into, []byte(`{"batch":1,"no_wait":true}`)))
		}
		// Answers that may come back are behind those that may not.
		_, err = js.Stream(t.Context(), "ROSTER")
		require.NoError(t, err)
	}
	require.Equal(t, before, states(t, b), "nothing was written")
}
