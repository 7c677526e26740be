package coder

import (
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// listTokens lists a user's tokens, or everybody's: those that the caller may read.
func (h *Handler) listTokens(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	filter := query.TokenFilter{UserIDs: []string{u.ID}, IncludeExpired: flagOf(r, "include_expired"), Now: h.Clock()}
	if flagOf(r, "include_all") {
		filter.UserIDs = []string{c.UserID()}
		if may(c, commands.ReadKeys, "") {
			filter.UserIDs = nil
		}
	}
	out := []listedKey{}
	if filter.UserIDs == nil || may(c, commands.ReadKeys, filter.UserIDs[0]) {
		found, err := h.Queries.Tokens(r.Context(), filter)
		if err != nil {
			return err
		}
		for _, k := range found {
			out = append(out, listedKey{keyAnswer: keyObject(k), Username: k.Username})
		}
	}
	write(w, http.StatusOK, out)
	return nil
}

// flagOf reads a parameter that says yes or no; what says neither is no.
func flagOf(r *http.Request, name string) bool {
	yes, err := strconv.ParseBool(r.URL.Query().Get(name))
	return err == nil && yes
}

func (h *Handler) tokenByName(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.ReadKeys, errNotFound)
	if err != nil {
		return err
	}
	k, err := h.Queries.KeyByName(r.Context(), u.ID, mux.Vars(r)["keyname"])
	if err != nil {
		return err
	}
	write(w, http.StatusOK, keyObject(k))
	return nil
}

// tokenConfig tells how long a token of the user may live, whoever makes it.
func (h *Handler) tokenConfig(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	longest := h.Commands.MaxLifetime(commands.User{Roles: u.Roles})
	write(w, http.StatusOK, map[string]int64{"max_token_lifetime": longest.Nanoseconds()})
	return nil
}

// createToken makes a token. What is asked for is checked before the right to ask
// for it, as Coder does.
func (h *Handler) createToken(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.user(r, c)
	if err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	command := commands.CreateKey{
		UserID: u.ID, LoginType: events.LoginToken, Name: b.text("token_name"),
		Scopes: b.scopes(), AllowList: b.allowList(), Lifetime: b.nanoseconds("lifetime"),
	}
	if err := b.err(); err != nil {
		return err
	}
	if err := h.checkToken(command, u); err != nil {
		return err
	}
	if !may(c, commands.CreateKeys, u.ID) {
		return errForbidden
	}
	res, err := h.namedToken(r, c, command)
	if err != nil {
		return err
	}
	return h.madeKey(w, r, res)
}

// nameTries bounds how often a name is made up that turns out to be taken.
const nameTries = 5

// namedToken makes a token. One without a name gets one made up.
func (h *Handler) namedToken(r *http.Request, c gate.Caller, command commands.CreateKey) (commands.Result, error) {
	made := command.Name == ""
	for try := 1; ; try++ {
		if made {
			command.Name = h.Commands.RandomKeyName()
		}
		res, err := h.Commands.CreateKey(r.Context(), gate.Request(r, c, Name), command)
		if err == nil {
			return res, nil
		}
		if !made || try == nameTries || !isNameTaken(err) {
			return commands.Result{}, refusedKey(err, command.Name)
		}
	}
}
