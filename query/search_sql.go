package query

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rosterhq/roster/events"
)

// nameText is the expression of the index of names; queries must say it alike.
const nameText = `lower(case when u.name = '' then u.first_name || ' ' || u.last_name else u.name end)`

// search is the conditions of one list of users as SQL.
type search struct {
	part string // of the order: where the list begins
	fits string // the others
	args []any
	none bool // nobody can fit
	wide bool // fits asks for more than the index of the order holds
	rare bool // there is a term by which an index finds who fits
}

func newSearch(f UserSearch) *search {
	s := &search{part: `u.status <> 'deleted'`, fits: "true"}
	s.terms(f)
	s.kinds(f)
	s.moments(f)
	if f.IDs != nil {
		s.where("u.id = any($::uuid[])", idsOf(f.IDs))
	}
	return s
}

// where adds a condition; each $ stands for the next argument.
func (s *search) where(condition string, args ...any) {
	s.wide = true
	s.also(condition, args...)
}

func (s *search) also(condition string, args ...any) {
	s.fits += " and " + s.number(condition, args)
}

// from makes the list begin somewhere in its order.
func (s *search) from(condition string, args ...any) {
	s.part += " and " + s.number(condition, args)
}

func (s *search) number(condition string, args []any) string {
	var out strings.Builder
	for _, c := range condition {
		out.WriteRune(c)
		if c == '$' {
			s.args = append(s.args, args[0])
			args = args[1:]
			out.WriteString(strconv.Itoa(len(s.args)))
		}
	}
	return out.String()
}

func (s *search) terms(f UserSearch) {
	if !storable(f.Text) || !storable(f.Name) || strings.Contains(f.Text, "\n") {
		s.none = true
		return
	}
	if f.Text != "" {
		s.text(f.Text)
	}
	if f.Name != "" {
		s.where(nameText+" like lower($::text)", containing(f.Name))
	}
}

// text looks for a term. One without three letters in a row has no trigrams: the
// planner must not think that their index could find it.
func (s *search) text(term string) {
	if s.rare = hasTrigram(term); s.rare {
		s.also("u.search_text like lower($::text)", containing(term))
	} else {
		s.also("u.search_text || '' like lower($::text)", containing(term))
	}
}

func hasTrigram(term string) bool {
	run := 0
	for _, c := range term {
		if run++; !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			run = 0
		}
		if run == 3 {
			return true
		}
	}
	return false
}

// memberRole is everybody's, and stored nowhere.
const memberRole events.Role = "member"

func (s *search) kinds(f UserSearch) {
	if len(f.Statuses) > 0 {
		s.where("u.status = any($::text[])", storableTexts(f.Statuses))
	}
	if len(f.Roles) > 0 && !slices.Contains(f.Roles, memberRole) {
		s.where("u.roles <> '{}' and u.roles && $::text[]", storableTexts(f.Roles))
	}
	if len(f.LoginTypes) > 0 {
		s.where("u.login_type = any($::text[])", storableTexts(f.LoginTypes))
	}
	if f.ServiceAccount != nil {
		s.where("(u.login_type = 'none') = $::boolean", *f.ServiceAccount)
	}
	if f.GitHubUserID != 0 {
		subject := `[{"provider":"github","subject":"` + strconv.FormatInt(f.GitHubUserID, 10) + `"}]`
		s.where("u.identities <> '[]' and u.identities @> $::jsonb", subject)
	}
}

// seenSQL is when a user was seen last, in year 1 for never.
const seenSQL = `coalesce((select s.last_seen_at from user_usage s where s.user_id = u.id), '0001-01-01Z')`

func (s *search) moments(f UserSearch) {
	for _, c := range []struct {
		condition string
		at        *time.Time
	}{
		{seenSQL + " <= $::timestamptz", f.LastSeenBefore},
		{seenSQL + " >= $::timestamptz", f.LastSeenAfter},
		{"u.created_at <= $::timestamptz", f.CreatedBefore},
		{"u.created_at >= $::timestamptz", f.CreatedAfter},
	} {
		if c.at != nil {
			s.where(c.condition, *c.at)
		}
	}
}

// behind makes the list begin after a name in lower case.
func (s *search) behind(name string) { s.from("u.sort_name > $::text", name) }

// of leaves out who has no place in an organization.
func (s *search) of(organization pgtype.UUID) {
	s.where("exists (select from memberships m where m.user_id = u.id and m.organization_id = $::uuid)", organization)
}

const listOrder = ` order by u.sort_name, u.id`

// inOrder says that nothing finds who fits better than to go through all.
func (s *search) inOrder() bool { return !s.wide && !s.rare }

// walk goes through users in order.
func (s *search) walk(limit, offset int) (sql string, args []any) {
	return s.paged("select u.id, u.sort_name as name from users u where "+s.part+" and "+s.fits+listOrder, limit, offset)
}

// among looks at the first users of the order alone: where many fit, a page of them
// is found at once.
func (s *search) among(window, limit, offset int) (sql string, args []any) {
	w := *s
	w.args = s.with(window)
	return w.paged("select id, name from (select u.id, u.sort_name as name, "+s.fits+" as fits from users u where "+s.part+
		listOrder+" limit $"+strconv.Itoa(len(w.args))+"::bigint) w where fits", limit, offset)
}

// all finds everybody who fits by the index that finds them best, and puts them in
// order then: where few fit, that is quickest.
func (s *search) all(limit, offset int) (sql string, args []any) {
	return s.paged("with hits as materialized (select u.id, u.sort_name as name from users u where "+s.part+" and "+s.fits+
		") select id, name from hits order by name, id", limit, offset)
}

func (s *search) paged(sql string, limit, offset int) (string, []any) {
	args := s.with(offset)
	sql += " offset $" + strconv.Itoa(len(args)) + "::bigint"
	if limit > 0 {
		args = append(args, limit)
		sql += " limit $" + strconv.Itoa(len(args)) + "::bigint"
	}
	return sql, args
}

func (s *search) counting() (sql string, args []any) {
	return "select count(*) from users u where " + s.part + " and " + s.fits, s.args
}

// with returns the arguments with more behind.
func (s *search) with(more ...any) []any {
	return append(s.args[:len(s.args):len(s.args)], more...)
}

// containing makes a LIKE pattern of a text in which nothing is a wildcard.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// storableTexts leaves out what no column holds.
func storableTexts[T ~string](in []T) []string {
	out := []string{}
	for _, t := range in {
		if storable(string(t)) {
			out = append(out, string(t))
		}
	}
	return out
}
