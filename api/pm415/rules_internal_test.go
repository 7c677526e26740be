package pm415

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestNamesOfOrganizations(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{"Bar": "bar", "Bar & Co.": "bar-co", "  --A__b": "a-b", "Team 7": "team-7"} {
		require.Equal(t, want, slug(title))
	}
	for _, title := range []string{"Мир", "new", "Default", "&&", "Söhne", strings.Repeat("long ", 9), strings.Repeat("x", 23) + " " + "ü"} {
		require.Regexp(t, slugForm, slug(title), title)
		require.LessOrEqual(t, len(slug(title)), maxSlug)
		require.Equal(t, slug(title), slug(strings.ToUpper(title)))
	}
	require.NotEqual(t, slug("Мир"), slug("Война"))
	require.NotEqual(t, slug(strings.Repeat("x", 40)), slug(strings.Repeat("x", 41)))
}

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"Bar", "Мир", "", "new", "a--b", strings.Repeat("é-", 40), "\xff", "İstanbul"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, title string) {
		c, err := newOrganization(title, "Name")
		if err != nil {
			return
		}
		if !slugForm.MatchString(c.Name) || len(c.Name) > maxSlug {
			t.Fatalf("slug of %q is %q", title, c.Name)
		}
	})
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=b", "a=b&a=c", "a[]=1", "a[0]=1&a[1]=2", "%zz", "=&=", "a[x]=1", "[]=1", "a=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		members, err := formMembers(raw)
		if err != nil {
			return
		}
		for name, value := range members {
			if !json.Valid(value) {
				t.Fatalf("%q: %s", name, value)
			}
		}
		if _, err := check(members, profileRules); err != nil && refusalOf(err).status >= http.StatusInternalServerError {
			t.Fatal(err)
		}
	})
}

func FuzzRules(f *testing.F) {
	for _, s := range []string{`{}`, `{"email":"a@b.example"}`, `{"email":null}`, `{"tosAccepted":"Y"}`, `{"password":"1111","confirmation":"1"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		members, err := gate.ParseObject([]byte(raw))
		if err != nil {
			return
		}
		for _, rules := range [][]member{profileRules, loginRules, registerRules, changeRules, organizationRules} {
			v, err := check(members, rules)
			if err != nil {
				require.Equal(t, http.StatusBadRequest, refusalOf(err).status)
				continue
			}
			require.Len(t, v, len(members))
		}
	})
}

// Each refusal of the layers below has a status; nothing of a failure is told.
func TestRefusals(t *testing.T) {
	t.Parallel()
	command := func(code commands.Code) error { return &commands.Error{Code: code, Message: "m"} }
	for _, c := range []struct {
		err    error
		status int
	}{
		{command(commands.NotFound), 404},
		{command(commands.Conflict), 409},
		{command(commands.Invalid), 400},
		{command(commands.Forbidden), 403},
		{command(commands.Precondition), 409},
		{command(commands.Unauthenticated), 401},
		{command(commands.KeyReused), 422},
		{command(commands.Unavailable), 503},
		{command(commands.TooLarge), 413},
		{&gate.Error{Reason: gate.Suspended}, 403},
		{&gate.Error{Reason: gate.Unconfirmed}, 403},
		{&gate.Error{Reason: gate.Deleted}, 401},
		{&gate.Error{Reason: gate.RateLimited}, 429},
		{&gate.Error{Reason: gate.CrossOrigin}, 403},
		{&gate.Error{Reason: gate.Ahead}, 400},
		{&gate.Error{Reason: gate.Unavailable}, 503},
		{&gate.Error{Reason: gate.Expired}, 401},
		{query.ErrNotFound, 404},
		{query.ErrAhead, 400},
		{query.ErrUnavailable, 503},
		{events.ErrUnavailable, 503},
		{events.ErrTooLarge, 413},
		{errors.New("secret"), 500},
		{fmt.Errorf("%w: %w", errNotSent, errors.New("secret")), 503},
	} {
		f := refusalOf(c.err)
		require.Equal(t, c.status, f.status, "%v", c.err)
		require.NotContains(t, f.message, "secret")
	}
	weak := &commands.Error{Code: commands.Invalid, Fields: []commands.FieldError{{Field: "password", Rule: "weak", Detail: "is too weak"}}}
	require.Equal(t, `"Password" is too weak`, refusalOf(weak).message)
}

// TestBodiesOfErrors has a line for each status of the page. What failed within is
// told by a fixed text.
func TestBodiesOfErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		err  error
		want string
	}{
		{problem("Email", "is required"), `{"statusCode":400,"error":"Bad Request","message":"\"Email\" is required","success":false}`},
		{errSignIn, `{"statusCode":401,"error":"Unauthorized","message":"Authentication required","success":false}`},
		{errInactive, `{"statusCode":403,"error":"Forbidden","message":"User not confirmed or inactive","success":false}`},
		{errNotFound, `{"statusCode":404,"error":"Not Found","message":"Not Found","success":false}`},
		{errRegistered("a@b.example"), `{"statusCode":409,"error":"Conflict","message":"User with email a@b.example already exists","success":false}`},
		{errResetToken, `{"statusCode":422,"error":"Unprocessable Entity","message":"Token is invalid or expired.","success":false}`},
		{errors.New("secret"), `{"statusCode":500,"error":"Internal Server Error","message":"Internal Server Error","success":false}`},
	} {
		w := httptest.NewRecorder()
		refusalOf(line.err).write(w)
		require.Equal(t, line.want+"\n", w.Body.String())
		require.Contains(t, line.want, fmt.Sprintf(`"statusCode":%d,`, w.Code))
		require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Empty(t, w.Header().Get("WWW-Authenticate"))
	}
}
