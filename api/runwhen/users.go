package runwhen

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// envelope is a page of a list.
type envelope[T any] struct {
	Count    int64   `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

// getUser answers GET /users/{user_id}.
func (h *Handler) getUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.existing(r)
	if err != nil {
		return err
	}
	hidden := error(errNoUser)
	if c.Is(u.ID) {
		hidden = errForbidden // of a limited key
	}
	if err := h.seen(r.Context(), c, u, commands.ReadUser, hidden); err != nil {
		return err
	}
	return h.show(w, r, u)
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, u query.User) error {
	a, err := h.account(r.Context(), u)
	if err != nil {
		return err
	}
	return succeed(w, http.StatusOK, a)
}

// whoami answers GET /users/whoami, by which other servers check tokens.
func (h *Handler) whoami(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.ReadUser, c.UserID()) {
		return errForbidden
	}
	u, err := h.self(r.Context(), c)
	if err != nil {
		return err
	}
	return h.show(w, r, u)
}

const pageSize = 100

// place is where in a list a page lies.
type place struct {
	limit, offset int64
	page          int64 // 0 where the client counts by offset
	after         int64 // the last number that the client saw, of a link of ours; 0 for none
}

// placeOf reads page and page_size, or limit and offset.
func placeOf(q url.Values, p *problems) place {
	at := place{limit: pageSize}
	number := func(name string, least, most int64, into *int64) {
		if n, ok := p.parsed(last(q, name), []any{"query", name}, least, most); ok {
			*into = n
		}
	}
	byOffset := q.Has("limit") || q.Has("offset")
	at.page = 1
	for _, one := range []struct {
		name        string
		least, most int64
		into        *int64
	}{
		{"page", 1, unbounded, &at.page},
		{"page_size", 1, pageSize, &at.limit},
		{"page-size", 1, pageSize, &at.limit},
		{"limit", 1, pageSize, &at.limit},
		{"offset", 0, unbounded, &at.offset},
		{"after", 1, unbounded, &at.after},
	} {
		if q.Has(one.name) {
			number(one.name, one.least, one.most, one.into)
		}
	}
	if byOffset {
		at.page = 0
		return at
	}
	if at.page > math.MaxInt32 { // beyond every list
		at.page = math.MaxInt32
	}
	at.offset = (at.page - 1) * at.limit
	return at
}

// last is the value of a parameter, the last one of several.
func last(q url.Values, name string) string {
	if values := q[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// listUsers answers GET /users.
func (h *Handler) listUsers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	var p problems
	at := placeOf(queryOf(r), &p)
	if err := p.err(); err != nil {
		return err
	}
	visitor, err := visible(c)
	if err != nil {
		return err
	}
	filter := query.NumberedFilter{VisibleTo: visitor, Limit: int(at.limit) + 1, Offset: int(at.offset)}
	if at.after > 0 {
		filter.After, filter.Offset = at.after, 0
	}
	found, total, err := h.Queries.UsersByNumber(r.Context(), filter)
	if err != nil {
		return err
	}
	if len(found) == 0 && at.page > 1 && at.after == 0 {
		return errInvalidPage
	}
	more := len(found) > int(at.limit)
	if more {
		found = found[:at.limit]
	}
	list, err := h.accounts(r.Context(), found)
	if err != nil {
		return err
	}
	out := envelope[account]{Count: total, Results: list, Previous: h.previous(r, at)}
	if more {
		out.Next = h.next(r, at, found[len(found)-1].Number)
	}
	return succeed(w, http.StatusOK, out)
}

// next is the link to the page behind this one. It names the last number seen,
// besides, so that a walk gives nobody twice and leaves nobody out, whoever comes
// and goes meanwhile.
func (h *Handler) next(r *http.Request, at place, number int64) *string {
	q := queryOf(r)
	if at.page > 0 {
		q.Set("page", strconv.FormatInt(at.page+1, 10))
	} else {
		q.Set("limit", strconv.FormatInt(at.limit, 10))
		q.Set("offset", strconv.FormatInt(at.offset+at.limit, 10))
	}
	if number > 0 {
		q.Set("after", strconv.FormatInt(number, 10))
	}
	return h.link(r, q)
}

// previous is the link to the page before this one. The first page has no number.
func (h *Handler) previous(r *http.Request, at place) *string {
	q := queryOf(r)
	q.Del("after")
	switch {
	case at.page > 2:
		q.Set("page", strconv.FormatInt(at.page-1, 10))
	case at.page == 2:
		q.Del("page")
	case at.page == 1 || at.offset == 0:
		return nil
	case at.offset > at.limit:
		q.Set("offset", strconv.FormatInt(at.offset-at.limit, 10))
	default:
		q.Del("offset")
		q.Set("limit", strconv.FormatInt(at.limit, 10))
	}
	return h.link(r, q)
}

func (h *Handler) link(r *http.Request, q url.Values) *string {
	s := h.Settings.BaseURL(r) + r.URL.EscapedPath()
	if len(q) > 0 {
		s += "?" + q.Encode()
	}
	return &s
}

// leastSearch is how many characters a search must have to find anybody.
const leastSearch = 3

// search answers GET /users/search.
func (h *Handler) search(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	q := queryOf(r)
	if !q.Has("q") {
		return invalid(missing.at([]any{"query", "q"}, nil))
	}
	visitor, err := visible(c)
	if err != nil {
		return err
	}
	text := last(q, "q")
	hits := []brief{}
	if utf8.RuneCountInString(text) >= leastSearch {
		found, _, err := h.Queries.UsersByNumber(r.Context(), query.NumberedFilter{
			Search: text, VisibleTo: visitor, WithoutServices: true, Limit: pageSize,
		})
		if err != nil {
			return err
		}
		for _, u := range found {
			hits = append(hits, briefOf(u))
		}
	}
	return succeed(w, http.StatusOK, hits)
}
