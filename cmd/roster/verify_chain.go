package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/mod/sumdb/note"

	kept "github.com/rosterhq/roster/archive"
	"github.com/rosterhq/roster/cmd/roster/internal/client"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/evidence"
)

// chain computes the chain of each stream anew, from the archive as far as it goes and
// from the log, and compares it with what was signed. Without a server the archive and
// the saved checkpoints are all there is.
func (v *verifyCommand) chain(ctx context.Context, o outputs, api *client.Client, a *kept.Reader) error {
	known, err := v.verifiers()
	if err != nil {
		return err
	}
	saved := map[events.Stream][]*evidence.Checkpoint{}
	for _, path := range v.Checkpoint {
		c, err := readCheckpoint(path, known)
		if err != nil {
			return err
		}
		saved[c.Stream] = append(saved[c.Stream], c)
	}
	for _, s := range evidence.Streams() {
		w := &chainWalk{stream: s, api: api, archive: a, report: &streamReport{o: o}, signed: saved[s]}
		found, err := w.run(ctx, known)
		w.report.finish()
		if err != nil {
			return err
		}
		v.tellChain(o, s, found)
	}
	return nil
}

func (v *verifyCommand) tellChain(o outputs, s events.Stream, found evidence.Verified) {
	as := verifiedChain{Stream: s, Checkpoints: found.Checkpoints, Behind: found.Behind, Unread: found.Kept}
	defer func() { v.found.Chain = append(v.found.Chain, as) }()
	if found.Checkpoints == 0 {
		v.tell(o, "chain: of %s nothing is signed\n", s)
		return
	}
	as.Signed = events.Position{Stream: s, Sequence: found.To}.String()
	v.tell(o, "chain: %s is as it was signed up to %s, %d checkpoints; %d positions behind them\n", s, as.Signed, found.Checkpoints, found.Behind)
	if found.Kept > 0 {
		v.tell(o, "chain: %d positions of %s are gone from the log, and were not read: name the archive that has them with --archive\n", found.Kept, s)
	}
}

// chainWalk goes through a stream once.
type chainWalk struct {
	stream   events.Stream
	api      *client.Client // nil: offline
	archive  *kept.Reader   // nil: none
	report   *streamReport
	signed   []*evidence.Checkpoint
	verifier *evidence.Verifier
	end      uint64 // the last position that was read
	to       uint64 // where the stream ends
}

func (w *chainWalk) run(ctx context.Context, known note.Verifiers) (evidence.Verified, error) {
	var hashes io.Reader
	if w.api != nil {
		theirs, err := opened(ctx, w.api, w.stream, false, known)
		if err != nil {
			return evidence.Verified{}, err
		}
		w.signed = append(w.signed, theirs...)
		body, err := w.hashes(ctx)
		if err != nil {
			return evidence.Verified{}, err
		}
		if body != nil {
			defer func() { _ = body.Close() }()
			hashes = body
		}
	}
	var err error
	if w.verifier, err = evidence.NewVerifier(w.stream, w.signed, hashes); err != nil {
		return evidence.Verified{}, err
	}
	if err := w.readArchive(ctx); err != nil {
		return evidence.Verified{}, err
	}
	if err := w.readLog(ctx); err != nil {
		return evidence.Verified{}, err
	}
	return w.verifier.End(w.to)
}

// hashes are those that the server keeps; nil where it keeps none.
func (w *chainWalk) hashes(ctx context.Context) (io.ReadCloser, error) {
	body, err := w.api.LogHashes(ctx, w.stream)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound {
		return nil, nil //nolint:nilnil // nothing is signed
	}
	return body, err
}

func (w *chainWalk) add(m events.Stored) error {
	if err := w.verifier.Add(m); err != nil {
		return err
	}
	if w.end = m.Sequence; w.end%1000 == 0 {
		w.report.step("positions of "+string(w.stream)+" hashed", w.end, w.to)
	}
	return nil
}

// readArchive reads what the log may have lost to its retention; where there is a server,
// what both have is read from the log.
func (w *chainWalk) readArchive(ctx context.Context) error {
	if w.archive == nil {
		return nil
	}
	w.to = w.archive.Manifest().End(w.stream).To
	before := w.to + 1
	if w.api != nil {
		first, err := w.firstOfLog(ctx)
		if err != nil {
			return err
		}
		before = min(before, first)
	}
	messages := w.archive.Messages(w.stream)
	for {
		m, err := messages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && m.Sequence < before {
			err = w.add(m)
		} else if err == nil {
			return messages.Close()
		}
		if err != nil {
			return errors.Join(err, messages.Close())
		}
	}
}

func (w *chainWalk) firstOfLog(ctx context.Context) (uint64, error) {
	feed, err := w.api.Log(ctx, w.stream, 1, 0)
	if err != nil {
		return 0, err
	}
	defer feed.Close()
	m, err := feed.Message()
	if errors.Is(err, io.EOF) {
		return feed.Head().To + 1, nil
	}
	return m.Sequence, err
}

// readLog reads what the server has behind what was read.
func (w *chainWalk) readLog(ctx context.Context) error {
	if w.api == nil {
		return nil
	}
	feed, err := w.api.Log(ctx, w.stream, w.end+1, 0)
	if err != nil {
		return err
	}
	defer feed.Close()
	for _, c := range w.signed {
		if c.Installation != feed.Head().Installation {
			return fmt.Errorf("the checkpoint of %s is of installation %s, the server is %s", c.Position(), c.Installation, feed.Head().Installation)
		}
	}
	w.to = feed.Head().To
	for first := true; ; first = false {
		m, err := feed.Message()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && first && w.end == 0 {
			err = w.verifier.Missing(m.Sequence)
		}
		if err == nil {
			err = w.add(m)
		}
		if err != nil {
			return err
		}
	}
}
