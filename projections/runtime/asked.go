package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Comparisons that a process asks for which may not make tables itself travel through
// PostgreSQL, there and back.

// Errors of comparisons that are asked for.
var (
	ErrNobody    = errors.New("no process that runs projectors takes it up")
	errCompared  = errors.New("the comparison failed")
	errCancelled = errors.New("the comparison was cancelled")
)

const (
	compareChannel = "roster_compare"
	comparedPoll   = 250 * time.Millisecond
	// beatEvery is how often who compares says that it is alive, and beatMissed when
	// that is no more believed. The function that takes requests has the same limit.
	beatEvery  = time.Second
	beatMissed = 20 * time.Second

	askComparisonSQL    = `select roster.request_comparison($1, $2, $3)`
	cancelComparisonSQL = `select roster.cancel_comparison($1)`
	answerSQL           = `select state, coalesce(result::text, ''), refusal, error, updated_at < now() - $2::interval
		from roster.comparisons where ticket = $1`
	mayMakeSQL = `select has_database_privilege(current_database(), 'create')`
)

// refusals are errors that keep their meaning on their way.
var refusals = map[string]error{"busy": ErrBusy, "went-back": ErrWentBack} //nolint:gochecknoglobals // a constant table

// MayMake says whether a connection's role may make the tables that Compare needs.
func MayMake(ctx context.Context, db DB) (may bool, err error) {
	if err := db.QueryRow(ctx, mayMakeSQL).Scan(&may); err != nil {
		return false, fmt.Errorf("ask for the rights of the role: %w", err)
	}
	return may, nil
}

// AskComparison is Compare by a process that runs projectors; when ctx ends, it gives
// up. Errors: ErrNobody when none takes it up within 20 s, and those of Compare.
func AskComparison(ctx context.Context, db DB, p Projection, by string) (Comparison, error) {
	if p.Migrations == nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, ErrReaction)
	}
	var ticket *string
	if err := db.QueryRow(ctx, askComparisonSQL+"::text", p.Name, p.Version, printable(by)).Scan(&ticket); err != nil {
		return Comparison{}, fmt.Errorf("ask for a comparison of %s: %w", p.Name, err)
	}
	if ticket == nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, ErrBusy)
	}
	for {
		c, over, err := answerTo(ctx, db, *ticket)
		if err != nil || over {
			if err != nil {
				giveUp(ctx, db, *ticket)
				err = fmt.Errorf("compare %s: %w", p.Name, err)
			}
			return c, err
		}
		if !sleep(ctx, comparedPoll) {
			giveUp(ctx, db, *ticket)
			return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, ctx.Err())
		}
	}
}

// giveUp tells whoever compares that nobody waits. It may be over, too.
func giveUp(ctx context.Context, db DB, ticket string) {
	ctx, cancel := graceful(ctx)
	defer cancel()
	var n int64
	_ = db.QueryRow(ctx, cancelComparisonSQL, ticket).Scan(&n)
}

// answerTo looks for the outcome.
func answerTo(ctx context.Context, db DB, ticket string) (c Comparison, over bool, err error) {
	var (
		state, result, refusal, cause string
		silent                        bool
	)
	err = db.QueryRow(ctx, answerSQL, ticket, beatMissed).Scan(&state, &result, &refusal, &cause, &silent)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, ErrBusy // somebody asked for another, taking this one for dead
	}
	if err != nil {
		return c, false, fmt.Errorf("look for the outcome: %w", err)
	}
	switch state {
	case string(RebuildDone):
		if err := json.Unmarshal([]byte(result), &c); err != nil {
			return c, false, fmt.Errorf("read the outcome: %w", err)
		}
		return c, true, nil
	case string(RebuildFailed):
		if known, ok := refusals[refusal]; ok {
			return c, false, fmt.Errorf("%w: %s", known, cause)
		}
		return c, false, fmt.Errorf("%w: %s", errCompared, cause)
	case string(RebuildCancelled):
		return c, false, errCancelled
	}
	if silent {
		return c, false, ErrNobody
	}
	return c, false, nil
}
