package coder

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

func (h *Handler) registerKeys(router *mux.Router) {
	router.Handle("/api/v2/buildinfo", h.public(h.buildInfo)).Methods(http.MethodGet)
	router.Handle("/api/v2/auth/scopes", h.public(h.publicScopes)).Methods(http.MethodGet)
	router.Handle(usersPath+"/authmethods", h.public(h.authMethods)).Methods(http.MethodGet)
	const keys = usersPath + "/{user}/keys"
	h.routes(router, []route{
		{http.MethodPost, keys, h.createSessionKey},
		{http.MethodGet, keys + "/tokens", h.listTokens},
		{http.MethodPost, keys + "/tokens", h.createToken},
		{http.MethodGet, keys + "/tokens/tokenconfig", h.tokenConfig},
		{http.MethodGet, keys + "/tokens/{keyname:.+}", h.tokenByName}, // names are free text
		{http.MethodGet, keys + "/{keyid}", h.keyByID},
		{http.MethodDelete, keys + "/{keyid}", h.deleteKey},
		{http.MethodPut, keys + "/{keyid}/expire", h.expireKey},
	})
}

// createSessionKey makes a session for a command line. It sets no cookie, so that
// signing out in a browser does not end it.
func (h *Handler) createSessionKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	u, err := h.userFor(r, c, commands.CreateKeys, errForbidden)
	if err != nil {
		return err
	}
	res, err := h.Commands.CreateKey(r.Context(), gate.Request(r, c, Name), commands.CreateKey{
		UserID: u.ID, LoginType: events.LoginPassword, Lifetime: h.Commands.DefaultTokenLifetime(),
	})
	if err != nil {
		return refusedKey(err, "")
	}
	return h.madeKey(w, r, res)
}

// madeKey shows a key, once: what is kept of it can not be turned back into it.
func (h *Handler) madeKey(w http.ResponseWriter, r *http.Request, res commands.Result) error {
	h.Gate.Wrote(w, r, res)
	if res.Repeated {
		return refuse(http.StatusConflict, "The key was made by an earlier request.",
			"The earlier request had the same Idempotency-Key, and a key is shown only once.")
	}
	write(w, http.StatusCreated, map[string]string{"key": res.Token})
	return nil
}

// key finds the key that {keyid} names, whoever's it is: only the right to it
// counts, and {user} must be somebody the caller may read.
func (h *Handler) key(r *http.Request, c gate.Caller, action commands.Action) (query.Key, error) {
	if _, err := h.user(r, c); err != nil {
		return query.Key{}, err
	}
	id := mux.Vars(r)["keyid"]
	if !gate.IsKeyID(id) {
		return query.Key{}, errNotFound
	}
	k, err := h.Queries.Key(r.Context(), id)
	if err != nil {
		return query.Key{}, err
	}
	if !may(c, action, k.UserID) {
		return query.Key{}, errNotFound
	}
	return k, nil
}

func (h *Handler) keyByID(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	k, err := h.key(r, c, commands.ReadKeys)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, keyObject(k))
	return nil
}

func (h *Handler) deleteKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	k, err := h.key(r, c, commands.DeleteKeys)
	if err != nil {
		return err
	}
	res, err := h.Commands.DeleteKey(r.Context(), gate.Request(r, c, Name), k.UserID, k.ID)
	return h.changedKey(w, r, res, err)
}

// expireKey ends a key now and keeps it listed. Of one that has ended, nothing
// changes.
func (h *Handler) expireKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	k, err := h.key(r, c, commands.UpdateKeys)
	if err != nil {
		return err
	}
	res, err := h.Commands.ExpireKey(r.Context(), gate.Request(r, c, Name), k.UserID, k.ID)
	return h.changedKey(w, r, res, err)
}

func (h *Handler) changedKey(w http.ResponseWriter, r *http.Request, res commands.Result, err error) error {
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	noContent(w)
	return nil
}
