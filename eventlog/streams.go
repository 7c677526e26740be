package eventlog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/eventlog/internal/wire"
)

// streamConfigs are the streams of an installation. What they deny can not be taken
// back: the server never lets DenyDelete and DenyPurge go.
func (n names) streamConfigs(replicas int) []jetstream.StreamConfig {
	common := func(name, subjects, about string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Description: about, Subjects: []string{n.root + subjects},
			Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			Replicas: replicas, AllowDirect: true, MaxMsgSize: wire.MaxMessage,
		}
	}
	roster := common(n.roster, "roster.>", "Identity facts, claims and counters")
	activity := common(n.activity, "activity.>", "What users did")
	for _, c := range []*jetstream.StreamConfig{&roster, &activity} {
		c.AllowAtomicPublish, c.DenyDelete = true, true
	}
	roster.DenyPurge = true // activities may leave once they are archived
	// Deletes stay allowed in KEYS: the secure delete of a data key is how a
	// person is erased.
	keys := common(n.keys, "keys.>", "Wrapped data keys")
	keys.AllowAtomicPublish, keys.DenyPurge = true, true

	state := common(n.state, "state.>", "Folded state of aggregates, a cache")
	state.AllowMsgTTL = true // what is kept for a day goes by itself
	usage := common(n.usage, "usage.>", "Last use of keys and sessions")
	for _, c := range []*jetstream.StreamConfig{&state, &usage} {
		c.MaxMsgsPerSubject = 1
		// Sync always is server-wide and would choke on a second write per
		// append; this mode switches it off for the stream. Replicated
		// streams refuse it.
		if replicas <= 1 {
			c.PersistMode = jetstream.AsyncPersistMode
		}
	}
	return []jetstream.StreamConfig{roster, activity, keys, state, usage}
}

// ensureStreams creates what is missing and brings the rest up to date. Several
// processes may do it at once: creating and updating the same is no change.
func ensureStreams(ctx context.Context, js jetstream.JetStream, n names, replicas int) (int, error) {
	actual := 1
	for _, want := range n.streamConfigs(max(replicas, 1)) {
		got, err := ensureStream(ctx, js, want, replicas)
		if err != nil {
			return 0, fmt.Errorf("stream %s: %w", want.Name, err)
		}
		actual = max(actual, got)
	}
	return actual, nil
}

const ensureTries = 20

func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, replicas int) (int, error) {
	var err error
	for try := range ensureTries {
		var got int
		if got, err = ensureOnce(ctx, js, want, replicas); err == nil {
			return got, nil
		}
		if !retryable(err) {
			return 0, err
		}
		if err := pause(ctx, time.Duration(try+1)*10*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, err
}

func ensureOnce(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, replicas int) (int, error) {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if stream, err = js.CreateStream(ctx, want); err != nil {
			return 0, fmt.Errorf("create: %w", err)
		}
		return stream.CachedInfo().Config.Replicas, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up: %w", err)
	}
	have := stream.CachedInfo().Config
	if have.Metadata[unfinished] != "" {
		return 0, ErrUnfinishedSeed
	}
	update := merged(have, want, replicas)
	if reflect.DeepEqual(have, update) {
		return have.Replicas, nil
	}
	if stream, err = js.UpdateStream(ctx, update); err != nil {
		return 0, fmt.Errorf("update: %w", err)
	}
	return stream.CachedInfo().Config.Replicas, nil
}

// merged is what is there with what we insist on. Retention, placement, limits
// and, unless asked for, replicas are the operator's.
func merged(have, want jetstream.StreamConfig, replicas int) jetstream.StreamConfig {
	out := have
	out.Description, out.Subjects = want.Description, want.Subjects
	out.AllowDirect, out.AllowAtomicPublish = want.AllowDirect, want.AllowAtomicPublish
	out.DenyDelete, out.DenyPurge = want.DenyDelete || have.DenyDelete, want.DenyPurge || have.DenyPurge
	out.AllowMsgTTL = want.AllowMsgTTL
	out.MaxMsgSize, out.MaxMsgsPerSubject = want.MaxMsgSize, have.MaxMsgsPerSubject
	if want.MaxMsgsPerSubject > 0 {
		out.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	if replicas > 0 {
		out.Replicas = want.Replicas
	}
	return out
}

// retryable says whether another process creating the same stream, or a cluster
// electing its leader, may be behind an error.
func retryable(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == codeStreamNameInUse || api.Code >= 500
	}
	return transient(err)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Exists says whether a broker holds an installation with a prefix.
func Exists(ctx context.Context, nc *nats.Conn, prefix string) (bool, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return false, fmt.Errorf("look for an installation: %w", err)
	}
	_, err = js.Stream(ctx, newNames(prefix).roster)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("look for an installation", err)
	}
	return true, nil
}
