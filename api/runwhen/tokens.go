package runwhen

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// personalToken is an API key as this dialect shows it.
type personalToken struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	TokenSuffix string  `json:"tokenSuffix"`
	CreatedAt   string  `json:"createdAt"`
	ExpiresAt   string  `json:"expiresAt"`
	IsRevoked   bool    `json:"isRevoked"`
	IsExpired   bool    `json:"isExpired"`
	IsActive    bool    `json:"isActive"`
	LastUsedAt  *string `json:"lastUsedAt"`
	Token       string  `json:"token,omitempty"` // once, when it was made
}

// suffixLength is how much of a token is shown. The secret is not kept, so that it
// is the end of the part before it.
const suffixLength = 4

func (h *Handler) tokenOf(k query.Key) personalToken {
	now := h.Clock()
	t := personalToken{
		ID: tokenID(k.ID), Name: k.Name, TokenSuffix: k.ID[max(0, len(k.ID)-suffixLength):],
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stamp(k.ExpiresAt),
		IsRevoked: !k.ExpiresAt.After(k.UpdatedAt), IsExpired: !k.ExpiresAt.After(now),
	}
	t.IsActive = !t.IsRevoked && !t.IsExpired
	if !k.LastUsedAt.IsZero() {
		t.LastUsedAt = nullable(stamp(k.LastUsedAt))
	}
	return t
}

// tokenID is the UUID of a key: its ten letters and digits in the free bits of
// version 8 (RFC 9562), so that the way back needs no look.
func tokenID(keyID string) string {
	var id uuid.UUID
	if len(keyID) == gate.KeyIDLength {
		copy(id[:6], keyID[:6])
		copy(id[12:], keyID[6:])
	}
	id[6], id[8] = 0x80, 0x80
	return id.String()
}

// keyOfToken is the way back; false for a UUID that is none of ours.
func keyOfToken(s string) (string, bool) {
	id, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	key := string(id[:6]) + string(id[12:])
	return key, gate.IsKeyID(key) && tokenID(key) == id.String()
}

// listTokens answers GET /users/tokens, the newest first.
func (h *Handler) listTokens(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if !commands.Allowed(c.Actor, commands.ReadKeys, c.UserID()) {
		return errForbidden
	}
	keys, err := h.keys(r, c)
	if err != nil {
		return err
	}
	out := make([]personalToken, len(keys))
	for i, k := range keys {
		out[i] = h.tokenOf(k)
	}
	return succeed(w, http.StatusOK, out)
}

func (h *Handler) keys(r *http.Request, c gate.Caller) ([]query.Key, error) {
	keys, err := h.Queries.Tokens(r.Context(), query.TokenFilter{UserIDs: []string{c.UserID()}, IncludeExpired: true})
	slices.Reverse(keys)
	return keys, err
}

const (
	mostTokenName    = 200
	mostPersonalDays = 180
)

// createToken answers POST /users/tokens/create.
func (h *Handler) createToken(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	b, err := readBody(w, r, false)
	if err != nil {
		return err
	}
	u, err := h.self(r.Context(), c)
	if err != nil {
		return err
	}
	most := h.mostDays(u.Roles, mostPersonalDays)
	days := min(usualTokenDays, most)
	name, _ := b.text(b.need("name"), 1, mostTokenName)
	if m := b.member("days", "expires_in_days", "expiresInDays"); m.present() {
		days, _ = b.number(m, 1, most)
	}
	if err := b.err(); err != nil {
		return err
	}
	res, err := h.Commands.CreateKey(r.Context(), gate.Request(r, c, Name), commands.CreateKey{
		UserID: u.ID, LoginType: events.LoginToken, Name: name, Lifetime: time.Duration(days) * day,
	})
	if err != nil {
		return err
	}
	h.Gate.WroteCredentials(w, r, res)
	out := h.tokenOf(keyOfState(res.Key))
	out.Token = res.Token // "" for a repeat: a secret is shown once
	return succeed(w, http.StatusCreated, out)
}

func keyOfState(k commands.Key) query.Key {
	return query.Key{ID: k.ID, Name: k.Name, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt, ExpiresAt: k.ExpiresAt}
}

// tokenNamed finds the caller's key of the path.
func (h *Handler) tokenNamed(r *http.Request, c gate.Caller) (query.Key, error) {
	text := mux.Vars(r)["token_id"]
	if _, err := uuid.Parse(text); err != nil {
		return query.Key{}, invalid(problem{
			Type: "uuid_parsing", Loc: []any{"path", "token_id"}, Msg: "Input should be a valid UUID, " + uuidProblem(text),
			Input: quoted(text), Ctx: map[string]any{"error": uuidProblem(text)},
		})
	}
	id, ok := keyOfToken(text)
	if !ok {
		return query.Key{}, errNoToken
	}
	keys, err := h.keys(r, c)
	if err != nil {
		return query.Key{}, err
	}
	at := slices.IndexFunc(keys, func(k query.Key) bool { return k.ID == id })
	if at < 0 {
		return query.Key{}, errNoToken
	}
	return keys[at], nil
}

func uuidProblem(text string) string {
	if len(text) == len(uuid.Nil.String()) || len(text) == 2*len(uuid.Nil) {
		return "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-]"
	}
	return "invalid length: expected length 32 for simple format"
}

// revokeToken answers POST /users/tokens/{token_id}/revoke: the token is good no
// more, and stays in the list.
func (h *Handler) revokeToken(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if _, err := gate.ReadBody(w, r, gate.MaxBody); err != nil {
		return err
	}
	k, err := h.tokenNamed(r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.ExpireKey(r.Context(), gate.Request(r, c, Name), c.UserID(), k.ID)
	if err != nil {
		return refusedKey(err)
	}
	h.Gate.WroteCredentials(w, r, res)
	k.ExpiresAt, k.UpdatedAt = res.Key.ExpiresAt, res.Key.UpdatedAt
	return succeed(w, http.StatusOK, h.tokenOf(k))
}

// deleteToken answers DELETE /users/tokens/{token_id}.
func (h *Handler) deleteToken(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	k, err := h.tokenNamed(r, c)
	if err != nil {
		return err
	}
	res, err := h.Commands.DeleteKey(r.Context(), gate.Request(r, c, Name), c.UserID(), k.ID)
	if err != nil {
		return refusedKey(err)
	}
	h.Gate.WroteCredentials(w, r, res)
	return noContent(w)
}

func refusedKey(err error) error {
	if commands.CodeOf(err) == commands.NotFound {
		return errNoToken
	}
	return err
}
