package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/eventlog"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/config"
)

// Retain lets activities leave the log that are old enough and in an archive.
type Retain struct {
	Settings config.API // those of the server
	Logger   *zap.Logger
	Archive  string    // directory
	Before   time.Time // what was recorded at or after this time stays
	// Progress is told how many messages were read of how many; nil for nobody.
	Progress func(messages, of uint64)
}

// Retained says what left.
type Retained struct {
	Left   uint64          // activities
	Begins events.Position // of the first that stays
}

// Run reads the whole archive of activities, with its hashes, and compares it with the
// log, position by position; only then something leaves. It may be killed anywhere and
// run again.
func (o Retain) Run(ctx context.Context) (done Retained, err error) {
	p := &parts{log: o.Logger}
	defer func() { err = errors.Join(err, p.abandon(ctx, nil)) }()
	kept, err := archive.Read(o.Archive)
	if err != nil {
		return done, err
	}
	log, err := openStopped(ctx, p, o.Settings)
	if err != nil {
		return done, err
	}
	if of := kept.Manifest().Installation; of != log.InstallationID() {
		return done, fmt.Errorf("%w: %s, not %s", archive.ErrOther, of, log.InstallationID())
	}
	upTo, err := o.old(ctx, kept)
	if err != nil {
		return done, err
	}
	if err := o.compare(ctx, kept, log); err != nil {
		return done, err
	}
	head, err := log.Head(ctx, events.Activity)
	if err != nil {
		return done, err
	}
	if head > 0 { // the newest one stays: readers know the log again by it
		done.Left, err = log.RetireActivities(ctx, min(upTo, head-1))
	}
	if err != nil {
		return done, err
	}
	first, err := log.First(ctx, events.Activity)
	done.Begins = events.Position{Stream: events.Activity, Sequence: first}
	return done, err
}

// old is up to where all activities of the archive were recorded before the time. It
// reads to the end: that is how hashes are checked.
func (o Retain) old(ctx context.Context, kept *archive.Reader) (upTo uint64, err error) {
	messages := kept.Messages(events.Activity)
	for young := false; ; {
		m, err := messages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return upTo, nil
		}
		if err != nil {
			return 0, errors.Join(err, messages.Close())
		}
		if young {
			continue
		}
		meta, err := events.DecodeMeta(m.Headers)
		if err != nil {
			return 0, errors.Join(fmt.Errorf("read the time of %s in the archive: %w", m.Position(), err), messages.Close())
		}
		if young = !meta.Time.Before(o.Before); !young {
			upTo = m.Sequence
		}
	}
}

func (o Retain) compare(ctx context.Context, kept *archive.Reader, log *eventlog.Log) error {
	end := kept.Manifest().End(events.Activity).To
	if end == 0 {
		return nil
	}
	feed, err := archive.Local{Copies: log}.Log(ctx, events.Activity, 1, 0)
	if err != nil {
		return err
	}
	defer feed.Close()
	if feed.Head().To < end {
		return fmt.Errorf("%w: the log ends at %d, the archive at %d", archive.ErrBroken, feed.Head().To, end)
	}
	_, err = kept.Compare(ctx, events.Activity, feed, func(n uint64) {
		if o.Progress != nil {
			o.Progress(n, end)
		}
	})
	return err
}
