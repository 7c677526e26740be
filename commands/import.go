package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rosterhq/roster/events"
)

// ImportUser is a user who exists in another system and moves in as they are:
// with ids, password hash and keys that clients know. Empty members are unset.
type ImportUser struct {
	ID     string // a UUID; "" makes one that is always the same for this number, or username
	Number int64  // 0 takes the next one
	// Username is made valid by the rule for OAuth logins, where it is not.
	Username      string
	Email         string
	Name          string
	FirstName     string
	LastName      string
	Avatar        string
	Language      string
	PasswordHash  string           // argon2id, bcrypt, PBKDF2-SHA256 as Coder and as Django write it
	LoginType     events.LoginType // "" means password
	Status        events.Status    // "" means active
	Unconfirmed   bool
	Roles         []events.Role
	Organizations []ImportMembership // none: the default organization
	Identities    []events.Identity
	Preferences   []ImportPreferences
	Keys          []ImportKey
	ReadableKey   string
	CreatedAt     time.Time // zero: now
}

// ImportMembership is a place in an organization, which is made if it is not there.
type ImportMembership struct {
	Name        string
	DisplayName string // of one that is made
	Roles       []string
}

// ImportPreferences are the preferences of one dialect, by flat name.
type ImportPreferences struct {
	Dialect string
	Values  map[string]any
}

// ImportKey is an API key of which a hash is known: one "<id>-<secret>", or one of
// another system's form, which has no id of its own.
type ImportKey struct {
	ID         string // "" for a key of another form
	SecretHash []byte // SHA-256 of the secret; without an id, of the whole key
	Name       string
	Scopes     []string // none means all
	AllowList  []events.Resource
	Lifetime   time.Duration // what each use gives again; 0: the time until ExpiresAt
	ExpiresAt  time.Time     // zero: hardly ever
}

// ImportUser moves a user in, whole or not at all. A repeat changes nothing,
// whatever became of the user since, and its result is Repeated; another content
// under the same id is Conflict with reason "id".
func (s *Service) ImportUser(ctx context.Context, r Request, c ImportUser) (Result, error) {
	if !Allowed(r.Actor, ImportUsers, "") {
		return Result{}, forbidden(ImportUsers)
	}
	im := importing{s: s, request: r, wanted: c}
	if err := im.check(); err != nil {
		return Result{}, err
	}
	if err := im.identify(); err != nil {
		return Result{}, err
	}
	if s.importDoubt.some() { // those before were repeats, so this one may be one, too
		if err := im.before(ctx); err != nil {
			return im.answer(Result{}, err)
		}
	}
	if err := im.prepare(ctx); err != nil {
		return im.answer(Result{}, err)
	}
	res, err := s.run(ctx, r, im.env, im.command.id, im.build, attempt{load: unborn, assume: true})
	return im.answer(res, err)
}

// importing is one call of ImportUser.
type importing struct {
	s       *Service
	request Request
	wanted  ImportUser
	command importUser
	env     envelope
	look    bool   // whether the log may hold the user already
	repeat  Result // the answer, when errAnswered came
}

// identify gives the import its id and its envelope: the command's id is that of
// the user, the request's hash that of the content.
func (m *importing) identify() error {
	content, err := json.Marshal(m.wanted)
	if err != nil {
		return fmt.Errorf("encode import: %w", err)
	}
	m.command.id = m.wanted.ID
	if m.command.id == "" {
		m.command.id = m.s.importID(m.wanted)
	}
	m.env = m.s.envelope(m.request)
	m.env.source = events.SourceImport
	m.env.commandID = m.s.log.KeyedHash("import", m.command.id)
	m.env.requestHash = m.s.log.KeyedHash("imported", string(content))
	return nil
}

// importID is the id of a user whom the other system knew by a number or a name
// alone: always the same, so that the import can be repeated.
func (s *Service) importID(c ImportUser) string {
	key := "username:" + fold(c.Username)
	if c.Number != 0 {
		key = fmt.Sprint("number:", c.Number)
	}
	var id uuid.UUID
	copy(id[:], s.log.KeyedHash("import-id", key)) // hexadecimal: 64 of 128 bits are random, which is enough here
	id = uuid.NewSHA1(id, []byte(key))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: made by a rule of ours
	return id.String()
}

// prepare does what is done once: it finds the organizations and secures the number.
func (m *importing) prepare(ctx context.Context) error {
	var err error
	if m.command.memberships, err = m.places(ctx); err != nil {
		return err
	}
	if m.wanted.Number != 0 {
		aside, err := m.s.setAside(ctx, m.wanted.Number)
		if err != nil || aside {
			return err
		}
		if err := m.before(ctx); err != nil {
			return err
		}
		return errNumberNotFree()
	}
	if m.command.number, err = m.s.numbers.take(ctx); err != nil {
		return fmt.Errorf("take a number: %w", err)
	}
	return nil
}

func errNumberNotFree() *Error {
	return &Error{
		Code: Conflict, Reason: "number", Message: "this number is not free",
		Fields: []FieldError{{Field: "number", Rule: "taken", Detail: "may belong to a user of this installation: import before users register, or set ROSTER_NUMBERS_FROM"}},
	}
}

// build makes the command of one try.
func (m *importing) build(ctx context.Context) (userCommand, error) {
	if m.look {
		if err := m.before(ctx); err != nil {
			return nil, err
		}
	}
	m.look = true
	if validUsername(m.wanted.Username) {
		return m.command, nil
	}
	name, err := m.s.freeUsername(ctx, Register{Username: m.wanted.Username, LoginType: m.wanted.LoginType, Identities: m.wanted.Identities})
	if err != nil {
		return nil, err
	}
	m.command.username = name
	return m.command, nil
}

// before looks whether the log holds a user with this id. Its first event says by
// which import it came, for ever.
func (m *importing) before(ctx context.Context) error {
	past, err := m.s.log.Read(ctx, userAggregate(m.command.id), 1)
	if err != nil {
		return fmt.Errorf("read past of user %s: %w", m.command.id, err)
	}
	if len(past) == 0 {
		return nil
	}
	if past[0].CommandID != m.env.commandID || past[0].RequestHash != m.env.requestHash {
		return errOtherContent()
	}
	var u User
	for _, e := range past {
		u = evolveUser(u, e)
	}
	m.repeat = Result{User: u, Position: past[len(past)-1].Position(), Repeated: true}
	return errAnswered
}

func errOtherContent() *Error {
	return &Error{Code: Conflict, Reason: "id", Message: "another user has this id, or it was imported with another content"}
}

func (m *importing) answer(res Result, err error) (Result, error) {
	unusedNumber := m.wanted.Number == 0 && m.command.number != 0 && (unused(res.Repeated, err) || errors.Is(err, errAnswered))
	if unusedNumber {
		m.s.numbers.giveBack(m.command.number)
	}
	if res.Repeated || errors.Is(err, errAnswered) {
		m.s.importDoubt.raise()
	}
	switch {
	case errors.Is(err, errAnswered):
		return m.repeat, nil
	case CodeOf(err) == KeyReused: // the state remembers the import
		return Result{}, errOtherContent()
	}
	return res, refusal(err)
}
