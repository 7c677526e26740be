package v1

import (
	"math"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
)

func (h *Handler) listKeys(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.reading(r, c, commands.ReadKeys)
	if err != nil {
		return err
	}
	keys, err := h.Queries.Keys(r.Context(), id)
	if err != nil {
		return err
	}
	out := client.KeyList{Items: make([]client.Key, len(keys))}
	for i, k := range keys {
		out.Items[i] = keyOfRow(k)
	}
	return answer(w, http.StatusOK, out)
}

func (h *Handler) createKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.CreateKeys)
	if err != nil {
		return err
	}
	object, err := gate.ReadObject(w, r, gate.MaxBody)
	if err != nil {
		return err
	}
	f := fieldsOf(object)
	command := commands.CreateKey{UserID: id, Name: f.text("name"), Scopes: f.texts("scopes"), Lifetime: lifetime(f)}
	f.end()
	if err := f.problem(); err != nil {
		return err
	}
	res, err := h.Commands.CreateKey(r.Context(), h.request(r, c), command)
	if err != nil {
		return err
	}
	h.Gate.Wrote(w, r, res)
	return answer(w, http.StatusCreated, createdKey(res))
}

const lifetimeSeconds = "lifetimeSeconds"

// lifetime is 0 when the command shall choose.
func lifetime(f *fields) time.Duration {
	raw, given := f.object[lifetimeSeconds]
	seconds := f.integer(lifetimeSeconds)
	switch {
	case seconds > math.MaxInt64/int64(time.Second):
		f.refuse(lifetimeSeconds, "range", "is longer than a key may live")
		return 0
	case given && string(raw) == "0":
		f.refuse(lifetimeSeconds, "range", "must be at least 1")
	}
	return time.Duration(seconds) * time.Second
}

func createdKey(res commands.Result) client.CreatedKey {
	k := res.Key
	return client.CreatedKey{
		Id: k.ID, LoginType: client.LoginType(k.LoginType), Name: k.Name, Scopes: scopesOf(k.LoginType, k.Scopes),
		CreatedAt: stamp(k.CreatedAt), UpdatedAt: stamp(k.UpdatedAt), ExpiresAt: stamp(k.ExpiresAt),
		Token: res.Token, Repeated: res.Repeated,
	}
}

func (h *Handler) deleteKey(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	id, err := h.target(r, c, commands.DeleteKeys)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	keyID := mux.Vars(r)["key"]
	if !gate.IsKeyID(keyID) {
		return refuse(http.StatusNotFound, string(commands.NotFound), "this user has no such key")
	}
	res, err := h.Commands.DeleteKey(r.Context(), h.request(r, c), id, keyID)
	if err != nil {
		return err
	}
	return h.done(w, r, res)
}
