package v1

import (
	"net/http"
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) listUsers(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	params, err := parametersOf(r)
	if err != nil {
		return err
	}
	limit, cursor, err := params.page()
	if err != nil {
		return err
	}
	search, err := params.short("q", maxSearch)
	if err != nil {
		return err
	}
	filter := query.UserFilter{Search: search, Limit: limit, Cursor: cursor}
	page, err := h.visible(r, c, filter)
	if err != nil {
		return err
	}
	out := client.UserPage{Items: make([]client.User, len(page.Items)), Next: page.Next}
	for i, u := range page.Items {
		out.Items[i] = userOfRow(u)
	}
	return answer(w, http.StatusOK, out)
}

// visible returns the users that the caller may see: all, or itself.
func (h *Handler) visible(r *http.Request, c gate.Caller, f query.UserFilter) (query.Page[query.User], error) {
	if commands.Allowed(c.Actor, commands.ListUsers, "") {
		return h.Queries.Users(r.Context(), f)
	}
	if err := mayDo(c, commands.ReadUser, c.UserID()); err != nil {
		return query.Page[query.User]{}, err
	}
	if f.Cursor != "" { // a list of one has no second page
		return query.Page[query.User]{}, query.ErrBadCursor
	}
	self, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return query.Page[query.User]{}, err
	}
	search := strings.ToLower(f.Search)
	if !strings.Contains(strings.ToLower(self.Username), search) && !strings.Contains(strings.ToLower(self.Email), search) {
		return query.Page[query.User]{}, nil
	}
	return query.Page[query.User]{Items: []query.User{self}}, nil
}

func (h *Handler) getUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	p, err := personOf(r, c)
	if err != nil {
		return err
	}
	if p.id != "" {
		if err := mayDo(c, commands.ReadUser, p.id); err != nil {
			return err
		}
	}
	user, err := h.Queries.User(r.Context(), query.UserRef{ID: p.id, Username: p.username})
	if err != nil {
		return err
	}
	if err := mayDo(c, commands.ReadUser, user.ID); err != nil {
		return err
	}
	return answer(w, http.StatusOK, userOfRow(user))
}

func (h *Handler) createUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.CreateUser, "") {
		return refuse(http.StatusForbidden, string(commands.Forbidden), "you are not allowed to do this")
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	command, err := registration(fieldsOf(object))
	if err != nil {
		return err
	}
	res, err := h.Commands.Register(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	w.Header().Set("Location", "/v1/users/"+res.User.ID)
	return answer(w, http.StatusCreated, userOfState(res.User))
}

func registration(f *fields) (commands.Register, error) {
	c := commands.Register{
		Username: f.required("username"), Email: f.text("email"), Password: f.text("password"),
		Name: f.text("name"), FirstName: f.text("firstName"), LastName: f.text("lastName"),
		Avatar: f.text("avatar"), Language: f.text("language"),
		Status: events.Status(f.text("status")), NormaliseUsername: f.boolean("normaliseUsername"),
		Roles: roleNames(f.texts("roles")),
	}
	for _, inner := range f.list("identities") {
		c.Identities = append(c.Identities, events.Identity{Provider: inner.required("provider"), Subject: inner.required("subject")})
		inner.end()
	}
	f.end()
	return c, f.problem()
}

func roleNames(names []string) []events.Role {
	out := make([]events.Role, len(names))
	for i, name := range names {
		out[i] = events.Role(name)
	}
	return out
}

func (h *Handler) updateUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.WriteUser)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.UpdateUser{
		UserID: id, Username: f.change("username"), Email: f.change("email"), Name: f.change("name"),
		FirstName: f.change("firstName"), LastName: f.change("lastName"),
		Avatar: f.change("avatar"), Language: f.change("language"),
	}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.UpdateUser(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	return h.wrote(w, r, res)
}

func (h *Handler) deleteUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.DeleteUser)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.Delete(r.Context(), h.request(r, c), id)
	if err != nil {
		return err
	}
	return h.done(w, r, res)
}

// eraseUser finds also whom nobody can sign in as any more, by id.
func (h *Handler) eraseUser(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.EraseUser)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	res, err := h.Commands.Erase(r.Context(), h.request(r, c), id)
	if err != nil {
		return err
	}
	return h.done(w, r, res)
}

// noBody reads the body of an endpoint that has none: nothing, or an empty object.
func noBody(w http.ResponseWriter, r *http.Request) error {
	raw, err := gate.ReadBody(w, r, gate.MaxBody)
	if err != nil || len(raw) == 0 {
		return err
	}
	object, err := gate.ParseObject(raw)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	f.end()
	return f.problem()
}
