package eventlog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/events"
)

func TestARefusalEndsWhatWaitsForItsAnswer(t *testing.T) {
	t.Parallel()
	r := &refusals{waiting: map[*question]struct{}{}}
	refuse := func(what string) {
		r.told(fmt.Errorf("%w: Permissions Violation for %s", nats.ErrPermissionViolation, what))
	}
	asking, done := r.during(t.Context(), "$JS.API.STREAM.INFO.KEYS")
	under, doneUnder := r.during(t.Context(), "keys")
	for _, other := range []string{
		`Publish to "$JS.API.STREAM.INFO.KEYS2"`, `Publish to "$JS.API.STREAM.INFO"`, `Publish to "keys2.user"`,
		`Subscription to "keys.user"`, `Publish to "`,
	} {
		refuse(other)
	}
	r.told(errors.New(`nats: slow consumer: Publish to "keys.user"`))
	require.NoError(t, asking.Err())
	require.NoError(t, under.Err())

	refuse(`Publish to "keys.user.0"`)
	require.NoError(t, asking.Err())
	require.ErrorIs(t, refusalOr(under, under.Err()), events.ErrUnavailable)
	require.ErrorContains(t, refusalOr(under, under.Err()), "keys.user.0")
	refuse(`Publish to "JS.ELSEWHERE.API.STREAM.INFO.KEYS"`)
	require.ErrorIs(t, refusalOr(asking, asking.Err()), nats.ErrPermissionViolation)
	require.NoError(t, refusalOr(asking, nil), "an answer is an answer")
	done()
	doneUnder()
	require.Empty(t, r.waiting)

	ended, done := r.during(t.Context(), "keys")
	done()
	require.Equal(t, nats.ErrTimeout, refusalOr(ended, nats.ErrTimeout))
}
