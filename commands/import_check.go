package commands

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rosterhq/roster/events"
)

// Bounds of what one user brings along.
const (
	maxImportedKeys  = 200
	maxImportedName  = 255 // of a username that is to be made valid
	shortestReadable = 20
)

// check checks the form of an import and fills in what is unset.
func (m *importing) check() error {
	var p problems
	c := &m.wanted
	if c.ID != "" {
		id, ok := canonicalID(c.ID)
		if !ok {
			p.add("id", "format", "must be a UUID")
		}
		c.ID = id
	}
	if c.Number < 0 || c.Number > MaxImportedNumber {
		p.fields = append(p.fields, numberOutOfRange("number"))
	}
	p.token("username", c.Username, maxImportedName)
	m.command.registerUser = m.s.importedAccount(*c, &p)
	m.roles(&p)
	m.preferences(&p)
	m.keys(&p)
	m.command.given, m.command.createdAt = c.Number != 0, c.CreatedAt.UTC().Truncate(time.Microsecond)
	if !c.CreatedAt.IsZero() && (m.command.createdAt.Year() < 1970 || m.command.createdAt.After(m.s.now())) {
		p.add("createdAt", "range", "must be from 1970 to now")
	}
	if err := p.err(); err != nil {
		return err
	}
	return nil
}

func (s *Service) importedAccount(c ImportUser, p *problems) registerUser {
	out, refused := s.checkRegister(Register{
		Username: c.Username, Email: c.Email, Name: c.Name, FirstName: c.FirstName, LastName: c.LastName,
		Avatar: c.Avatar, Language: c.Language, LoginType: c.LoginType, Status: c.Status, Unconfirmed: c.Unconfirmed,
		Roles: c.Roles, Identities: c.Identities, NormaliseUsername: true,
	})
	if refused != nil {
		p.fields = append(p.fields, refused.Fields...)
	}
	out.number, out.password = c.Number, c.PasswordHash
	if c.PasswordHash == "" {
		return out
	}
	if out.loginType != events.LoginPassword {
		p.add("passwordHash", "format", "can not be set for this login type")
	}
	if _, err := parseHash(c.PasswordHash); err != nil {
		p.add("passwordHash", "format", err.Error()) // which never repeats the hash
	}
	return out
}

// roles checks the places; where they are is found out later.
func (m *importing) roles(p *problems) {
	if len(m.wanted.Organizations) > maxOrganizations {
		p.add("organizations", "too-long", fmt.Sprintf("must be at most %d", maxOrganizations))
		return
	}
	for i, o := range m.wanted.Organizations {
		p.within(fmt.Sprintf("organizations[%d]", i), func(p *problems) {
			if o.Name != "default" {
				p.organization(UpdateOrganization{Name: &o.Name, DisplayName: &o.DisplayName})
			}
			m.command.places = append(m.command.places, checkImportedRoles(o.Roles, p))
		})
	}
}

// checkImportedRoles takes the invitation that is not accepted yet, too, which
// nobody can assign.
func checkImportedRoles(roles []string, p *problems) []string {
	if slices.Equal(roles, []string{events.OrganizationInvitationPending}) {
		return roles
	}
	return checkOrganizationRoles(roles, p)
}

func (m *importing) preferences(p *problems) {
	var seen []string
	for _, pref := range m.wanted.Preferences {
		change := UpdatePreferences{Dialect: pref.Dialect, Changes: pref.Values}
		p.within("preferences."+cut(pref.Dialect, 32), func(p *problems) { checkPreferences(change, p) })
		if slices.Contains(seen, pref.Dialect) {
			p.add("preferences", "duplicate", "each dialect once")
		}
		seen = append(seen, pref.Dialect)
		m.command.preferences = append(m.command.preferences, change)
	}
}

// keys checks keys, and leaves out those that ended.
func (m *importing) keys(p *problems) {
	c := m.wanted
	if c.ReadableKey != "" && (len(c.ReadableKey) < shortestReadable || len(c.ReadableKey) > maxReadableKey || !utf8.ValidString(c.ReadableKey) ||
		strings.ContainsFunc(c.ReadableKey, func(r rune) bool { return r <= ' ' || r > '~' })) {
		p.add("readableKey", "format", fmt.Sprintf("must have %d to %d visible ASCII characters", shortestReadable, maxReadableKey))
	}
	m.command.readable = c.ReadableKey
	if len(c.Keys) > maxImportedKeys {
		p.add("keys", "too-long", fmt.Sprintf("must be at most %d", maxImportedKeys))
		return
	}
	now := m.s.now()
	var ids []string
	for i, k := range c.Keys {
		if k.ID == "" && len(k.SecretHash) == sha256.Size {
			k.ID = ForeignKeyID([sha256.Size]byte(k.SecretHash))
		}
		p.within(fmt.Sprintf("keys[%d]", i), func(p *problems) {
			if slices.Contains(ids, k.ID) {
				p.add("id", "duplicate", "another key of this user has this id")
			}
			ids = append(ids, k.ID)
			m.key(k, now, p)
		})
	}
}

func (m *importing) key(k ImportKey, now time.Time, p *problems) {
	if len(k.ID) != keyIDLength || strings.Trim(k.ID, alphanumeric) != "" {
		p.add("id", "format", fmt.Sprintf("must have %d letters and digits", keyIDLength))
	}
	if len(k.SecretHash) != sha256.Size {
		p.add("secretHash", "format", "must be a SHA-256")
	}
	p.text("name", k.Name, maxKeyName)
	scopes, unknown := normaliseScopes(k.Scopes)
	if unknown != "" {
		p.add("scopes", "unknown", "there is no such scope: "+printable(unknown))
	}
	allowed := p.normaliseAllowList(k.AllowList)
	if k.Lifetime < 0 || k.Lifetime > MaxKeyLifetime {
		p.add("lifetimeSeconds", "range", "is out of bounds")
	}
	expires := k.ExpiresAt.UTC().Truncate(time.Microsecond)
	if k.ExpiresAt.IsZero() || expires.Sub(now) > MaxKeyLifetime {
		expires = now.Add(MaxKeyLifetime)
	}
	if !expires.After(now) {
		return
	}
	m.command.keys = append(m.command.keys, &events.UserKeyCreated{
		Sealed: events.Seal(events.UserKeyPrivate{SecretHash: k.SecretHash, Name: k.Name}),
		KeyID:  k.ID, LoginType: events.LoginToken, Scopes: scopes, AllowList: allowed,
		ExpiresAt: expires, Lifetime: int64(k.Lifetime / time.Second),
	})
}
