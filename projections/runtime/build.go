package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

const (
	nearEnough   = 2000 // events behind the head, for what comes before a switch
	passesAtMost = 50   // of a log that grows as fast as it is read
	reportEvery  = 500 * time.Millisecond
)

// build is what the builder does about one job.
type build struct {
	*target
	job job
}

// work does jobs, those of a stream with one reading of it. It returns an error
// where all must be taken up again; what is a job's own failure ends that job.
func (b *builder) work(ctx context.Context, conn *pgx.Conn, jobs []job) error {
	var builds []*build
	defer func() {
		for _, done := range builds {
			done.close()
		}
	}()
	for _, j := range jobs {
		if j.cancel {
			if err := finishJob(ctx, conn, j.projection, RebuildCancelled, nil); err != nil {
				return err
			}
			continue
		}
		t, err := b.begin(ctx, j)
		switch {
		case errors.Is(err, ErrBusy):
			b.log.Debug("a build has to wait", zap.Error(err))
			continue
		case err != nil && transient(err):
			return err
		case err != nil:
			b.log.Error("a build failed", zap.String("projection", j.projection.Schema()), zap.Error(err))
			if err := finishJob(ctx, conn, j.projection, RebuildFailed, err); err != nil {
				return err
			}
			continue
		}
		builds = append(builds, &build{target: t, job: j})
	}
	if len(builds) == 0 {
		return nil
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	reported := make(chan error, 1)
	go func() {
		err := b.report(working, conn, builds)
		if err != nil {
			stop()
		}
		reported <- err
	}()
	err := b.buildAll(working, builds)
	stop()
	if failed := <-reported; failed != nil {
		return failed
	}
	return err
}

func (b *builder) buildAll(ctx context.Context, builds []*build) error {
	targets := make([]*target, len(builds))
	byTarget := map[*target]*build{}
	for i, one := range builds {
		targets[i] = one.target
		byTarget[one.target] = one
	}
	streams, ctx := errgroup.WithContext(ctx)
	for _, group := range streamsOf(targets) {
		streams.Go(func() error {
			together := make([]*build, len(group))
			for i, t := range group {
				together[i] = byTarget[t]
			}
			return b.buildStream(ctx, together)
		})
	}
	return streams.Wait()
}

// begin opens a job's copy: it goes on with what there is of it, if that was made
// by this release and PostgreSQL runs since then, or makes it.
func (b *builder) begin(ctx context.Context, j job) (*target, error) {
	p := j.projection
	t, err := openTarget(ctx, b.config, b.js, p, j.maxRate == nil)
	if err != nil {
		return nil, err
	}
	if err := b.prepare(ctx, t, j); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

const startJobSQL = `update roster.rebuilds set state = case when state = 'requested' then 'building' else state end,
		release = $4, builder = $5, started_at = coalesce(started_at, now()), updated_at = now()
	where name = $1 and version = $2 and slot = $3`

func (b *builder) prepare(ctx context.Context, t *target, j job) error {
	p := t.projection
	at, err := checkpointOf(ctx, t.conn, p)
	if err != nil {
		return err
	}
	boot, err := bootOf(ctx, t.conn)
	if err != nil {
		return err
	}
	made := b.config.Release + ", PostgreSQL of " + boot
	resumed := at > 0 && (p.slot == kept || j.release == made)
	if resumed {
		resumed, err = b.resume(ctx, t, j)
	}
	if err != nil {
		return err
	}
	if !resumed {
		// Of a log whose begin left it for an archive a model would be smaller, silently.
		if err := t.source.verifyBounds(ctx, mark{}); err != nil {
			return err
		}
		if err := b.makeAnew(ctx, t); err != nil {
			return err
		}
		t.done.Store(0)
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	if _, err := t.conn.Exec(ctx, startJobSQL, p.Name, p.Version, string(p.slot), made, processName()); err != nil {
		return fmt.Errorf("note that %s is being built: %w", p.Schema(), err)
	}
	b.log.Info("building a read model", zap.String("projection", p.Schema()), zap.Stringer("from", t.position()))
	return nil
}

// resume takes up a copy where it was left. It is false for one of another log,
// unless that one is kept: there is nothing else to switch back to.
func (b *builder) resume(ctx context.Context, t *target, j job) (bool, error) {
	if err := t.load(ctx); err != nil {
		return false, err
	}
	t.done.Store(j.events)
	err := t.source.holds(ctx, t.at)
	if errors.Is(err, ErrWentBack) && t.projection.slot == next {
		return false, nil
	}
	return err == nil, err
}

// makeAnew leaves an empty copy without the indexes that are made later.
func (b *builder) makeAnew(ctx context.Context, t *target) error {
	p := t.projection
	if err := dropCopy(ctx, t.conn, p.entry(), p.Version); err != nil {
		return err
	}
	if err := makeCopy(ctx, t.conn, p); err != nil {
		return err
	}
	if err := setLogged(ctx, t.conn, p, false); err != nil {
		return err
	}
	if _, err := t.conn.Exec(ctx, noteIndexesSQL, p.Name, p.Version, string(p.slot), []string{}); err != nil {
		return fmt.Errorf("note what %s needs: %w", p.Schema(), err)
	}
	return deferIndexes(ctx, t.conn, p)
}

// buildStream brings the copies that read one stream to its end, and into service.
func (b *builder) buildStream(ctx context.Context, builds []*build) error {
	if err := b.catchUp(ctx, builds); err != nil {
		return err
	}
	for _, one := range builds {
		if one.cancelled.Load() {
			continue
		}
		if err := one.note(ctx, RebuildIndexing); err != nil {
			return err
		}
		if err := one.fold(ctx); err != nil {
			return err
		}
		if err := finishCopy(ctx, one.conn, one.projection); err != nil {
			return err
		}
	}
	if err := b.catchUp(ctx, builds); err != nil {
		return err
	}
	for _, one := range builds {
		if err := b.complete(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// catchUp reads the log until little of it is new.
func (b *builder) catchUp(ctx context.Context, builds []*build) error {
	targets := make([]*target, len(builds))
	for i, one := range builds {
		targets[i] = one.target
	}
	p := &pass{source: targets[0].source, targets: targets, pace: slowest(builds)}
	for range passesAtMost {
		read, err := p.run(ctx)
		if err != nil || read < nearEnough || p.deserted() {
			return err
		}
	}
	return nil
}

// slowest returns the pace of those who share a pass: that of the most careful.
func slowest(builds []*build) *pace {
	rate := builds[0].job.maxRate
	for _, one := range builds[1:] {
		switch other := one.job.maxRate; {
		case rate == nil || other == nil:
			rate = nil
		case *rate == 0 || *other > 0 && *other < *rate:
			rate = other
		}
	}
	return newPace(rate)
}

// complete lets a copy serve.
func (b *builder) complete(ctx context.Context, one *build) error {
	stays, err := one.claim(ctx)
	if err != nil {
		return err
	}
	if !stays {
		return finishJob(ctx, one.conn, one.projection, RebuildCancelled, nil)
	}
	if one.projection.slot != serving {
		if err := b.switchTo(ctx, one); err != nil {
			return err
		}
	} else if err := one.fold(ctx); err != nil {
		return err
	}
	b.log.Info("a read model is built", zap.String("projection", one.projection.Schema()), zap.Stringer("to", one.position()),
		zap.Int64("events", one.done.Load()))
	return finishJob(ctx, one.conn, one.projection, RebuildDone, nil)
}

// switchTo takes the projection from its worker for a moment, reads what came last,
// and lets the copy serve.
func (b *builder) switchTo(ctx context.Context, one *build) error {
	if err := one.lockServing(ctx); err != nil {
		return err
	}
	rest := &pass{source: one.source, targets: []*target{one.target}, pace: &pace{}}
	if _, err := rest.run(ctx); err != nil {
		return err
	}
	if err := one.fold(ctx); err != nil {
		return err
	}
	if err := one.replace(ctx); err != nil {
		return err
	}
	return one.unlockServing(ctx)
}

// note says what is being done. A build that was cancelled meanwhile says so with
// its end.
func (one *build) note(ctx context.Context, s RebuildState) error {
	p := one.projection
	_, err := one.conn.Exec(ctx, `update roster.rebuilds set state = $4, updated_at = now()
		where name = $1 and version = $2 and slot = $3`, p.Name, p.Version, string(p.slot), string(s))
	if err != nil {
		return fmt.Errorf("note how the build of %s goes: %w", p.Schema(), err)
	}
	return nil
}

const claimSQL = `update roster.rebuilds set state = case slot when '' then state else 'switching' end, updated_at = now()
	where name = $1 and version = $2 and slot = $3 and not cancel`

// claim says that the copy is about to serve. It is false where somebody has cancelled
// the build: what was accepted counts, also between two reports. A version that never
// served keeps its state, by which its worker waits until it is whole.
func (one *build) claim(ctx context.Context) (bool, error) {
	if one.cancelled.Load() {
		return false, nil
	}
	p := one.projection
	tag, err := one.conn.Exec(ctx, claimSQL, p.Name, p.Version, string(p.slot))
	if err != nil {
		return false, fmt.Errorf("note that %s is to serve: %w", p.Schema(), err)
	}
	return tag.RowsAffected() == 1, nil
}

const finishJobSQL = `update roster.rebuilds set state = $4, error = $5, cancel = false, rate = 0, finished_at = now(), updated_at = now()
	where name = $1 and version = $2 and slot = $3`

func finishJob(ctx context.Context, conn *pgx.Conn, p Projection, s RebuildState, cause error) error {
	if _, err := conn.Exec(ctx, finishJobSQL, p.Name, p.Version, string(p.slot), string(s), describe(cause)); err != nil {
		return fmt.Errorf("note the end of the build of %s: %w", p.Schema(), err)
	}
	return nil
}

const reportSQL = `update roster.rebuilds set events = $4, total = $5, rate = $6, updated_at = now()
	where name = $1 and version = $2 and slot = $3 returning cancel`

// report tells how builds go, and asks whether they are to go on, over the
// connection that holds the builder's lock: without that nothing is built.
func (b *builder) report(ctx context.Context, conn *pgx.Conn, builds []*build) error {
	rates := make([]rate, len(builds))
	for last := false; ; {
		for i, one := range builds {
			p, done := one.projection, one.done.Load()
			var cancel bool
			err := conn.QueryRow(context.WithoutCancel(ctx), reportSQL, p.Name, p.Version, string(p.slot), done, max(done, one.total.Load()),
				rates[i].of(done, time.Now())).Scan(&cancel)
			if err != nil {
				return fmt.Errorf("report how the build of %s goes: %w", p.Schema(), err)
			}
			if cancel {
				one.cancelled.Store(true)
			}
		}
		if last {
			return nil
		}
		last = !sleep(ctx, reportEvery) // and then once more, when all have ended
	}
}

// rate is a moving average.
type rate struct {
	at    time.Time
	done  int64
	value float64
}

// of returns events a second over some seconds.
func (r *rate) of(done int64, now time.Time) float64 {
	if !r.at.IsZero() {
		current := float64(done-r.done) / now.Sub(r.at).Seconds()
		if r.value == 0 {
			r.value = current
		}
		r.value += (current - r.value) / 4
	}
	r.at, r.done = now, done
	return r.value
}
