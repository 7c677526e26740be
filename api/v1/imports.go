package v1

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// importersAtOnce is how many users of one call are on their way at once: the log
// writes many together. Times the longest line, it bounds the memory.
const importersAtOnce = 256

func (h *Handler) importUsers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.ImportUsers, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "this is for owners, by a session or a key with scope all")
	}
	highest, err := highestNumber(r)
	if err != nil {
		return err
	}
	if !strings.Contains(r.Header.Get("Content-Type"), "json") || strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return refuse(http.StatusUnsupportedMediaType, "media-type", "send application/x-ndjson, in UTF-8")
	}
	source, err := itemsOf(w, r)
	if err != nil {
		return err
	}
	request := h.request(r, c)
	request.IdempotencyKey, request.RequestHash = "", "" // id and content make each line safe to repeat
	if highest > 0 {
		if err := h.Commands.SetNumbersAside(r.Context(), request, highest); err != nil {
			return err
		}
	}
	im := importing{
		move: func(ctx context.Context, u commands.ImportUser) (commands.Result, error) {
			return h.Commands.ImportUser(ctx, request, u)
		},
		patient: func() { gate.Patience(w, readPatience) },
		answer:  client.ImportAnswer{Rejected: []client.ImportRejection{}},
	}
	if err := im.run(r.Context(), source); err != nil {
		return brokenImport(err)
	}
	for id, position := range im.newest {
		h.Gate.WrotePosition(w, id, position)
	}
	if im.position.Sequence > 0 {
		im.answer.Position = im.position.String()
		w.Header().Set(gate.PositionHeader, im.answer.Position)
	}
	return answer(w, http.StatusOK, im.answer)
}

func highestNumber(r *http.Request) (int64, error) {
	params, err := parametersOf(r)
	if err != nil {
		return 0, err
	}
	s := params.values.Get("highest")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > commands.MaxImportedNumber {
		return 0, parameter("highest", "range", fmt.Sprintf("must be a whole number from 1 to %d", commands.MaxImportedNumber))
	}
	return n, nil
}

// importing takes users to the log, many at once, and keeps the account.
type importing struct {
	move    func(context.Context, commands.ImportUser) (commands.Result, error)
	patient func()

	mu       sync.Mutex
	answer   client.ImportAnswer
	position events.Position
	newest   map[string]events.Position // of the users made last, whose reads are to see them
}

// maxNewest bounds for how many users of a call the newest position is told.
const maxNewest = 1000

// run reads until the end or a failure. What was imported before a failure stays.
func (im *importing) run(ctx context.Context, source items) error {
	im.newest = map[string]events.Position{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(importersAtOnce)
	err := im.read(ctx, source, group)
	if failed := group.Wait(); failed != nil {
		return failed
	}
	slices.SortFunc(im.answer.Rejected, func(a, b client.ImportRejection) int { return cmp.Compare(a.Line, b.Line) })
	return err
}

func (im *importing) read(ctx context.Context, source items, group *errgroup.Group) error {
	for n := 0; ctx.Err() == nil; n++ {
		if n%maxChunk == 0 {
			im.patient()
		}
		it, err := source.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if it.wrong != nil {
			im.reject(it.index, itemError(it.wrong))
			continue
		}
		index, raw := it.index, slices.Clone(it.raw) // which is overwritten by the next
		group.Go(func() error { return im.one(ctx, index, raw) })
	}
	return nil
}

// one imports a line. Only a failure that is not about the line is an error.
func (im *importing) one(ctx context.Context, index int, raw []byte) error {
	user, wrong := importInput(raw)
	if wrong != nil {
		im.reject(index, wrong)
		return nil
	}
	res, err := im.move(ctx, user)
	refused, ok := commands.AsError(err)
	switch {
	case err == nil:
		im.count(res)
		return nil
	case ok && refused.Code != commands.Unavailable && refused.Code != commands.Forbidden:
		im.reject(index, refused)
		return nil
	}
	return err
}

func (im *importing) count(res commands.Result) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if res.Repeated {
		im.answer.Unchanged++
		return
	}
	im.answer.Created++
	if len(im.newest) < maxNewest {
		im.newest[res.User.ID] = res.Position
	}
	if res.Position.Sequence > im.position.Sequence {
		im.position = res.Position
	}
}

func (im *importing) reject(index int, e *commands.Error) {
	message := e.Message
	if len(e.Fields) > 0 {
		message = e.Fields[0].Field + ": " + e.Fields[0].Detail
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	im.answer.RejectedTotal++
	if len(im.answer.Rejected) < maxListed {
		im.answer.Rejected = append(im.answer.Rejected, client.ImportRejection{Line: index + 1, Code: string(e.Code), Message: message})
	}
}

// brokenImport is the problem of an import that did not get to its end.
func brokenImport(err error) error {
	var tooLarge *http.MaxBytesError
	p := problemOf(err)
	switch {
	case errors.Is(err, errTooManyItems):
		p = refuse(http.StatusRequestEntityTooLarge, "too-many-items", "at most "+strconv.Itoa(maxItems)+" lines are taken at once; the rest was not read")
	case errors.As(err, &tooLarge):
		p = refuse(http.StatusRequestEntityTooLarge, string(gate.TooLarge), "the body is larger than 1 GiB; the rest was not read")
	case p == nil && isReadError(err):
		p = refuse(http.StatusBadRequest, string(gate.Unreadable), "the body could not be read to its end")
	case p == nil:
		return err
	}
	out := *p
	out.Detail += "; what was imported before stays: send it all again"
	return &out
}
