package v1

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// importInput decodes one user who moves in.
func importInput(raw []byte) (commands.ImportUser, *commands.Error) {
	object, err := gate.ParseObject(bytes.TrimSpace(raw))
	if err != nil {
		return commands.ImportUser{}, itemError(err)
	}
	f := fieldsOf(object)
	u := commands.ImportUser{
		ID: f.text("id"), Number: f.integer("number"), Username: f.required("username"), Email: f.text("email"),
		Name: f.text("name"), FirstName: f.text("firstName"), LastName: f.text("lastName"),
		Avatar: f.text("avatar"), Language: f.text("language"), PasswordHash: f.text("passwordHash"),
		LoginType: events.LoginType(f.text("loginType")), Status: events.Status(f.text("status")),
		Unconfirmed: !f.flag("confirmed", true), Roles: roleNames(f.texts("roles")), ReadableKey: f.text("readableKey"),
	}
	u.CreatedAt, _ = f.instant("createdAt")
	for _, inner := range f.list("organizations") {
		u.Organizations = append(u.Organizations, commands.ImportMembership{
			Name: inner.required("name"), DisplayName: inner.text("displayName"), Roles: inner.texts("roles"),
		})
		inner.end()
	}
	for _, inner := range f.list("identities") {
		u.Identities = append(u.Identities, events.Identity{Provider: inner.required("provider"), Subject: inner.required("subject")})
		inner.end()
	}
	u.Preferences = importedPreferences(f)
	for _, inner := range f.list("keys") {
		u.Keys = append(u.Keys, importedKey(inner))
	}
	f.end()
	if err := f.problem(); err != nil {
		return commands.ImportUser{}, itemError(err)
	}
	return u, nil
}

// importedPreferences are objects of flat values by dialect.
func importedPreferences(f *fields) []commands.ImportPreferences {
	inner := f.inner("preferences")
	if inner == nil {
		return nil
	}
	var out []commands.ImportPreferences
	for _, dialect := range slices.Sorted(maps.Keys(inner.object)) {
		if values := inner.free(dialect); values != nil {
			out = append(out, commands.ImportPreferences{Dialect: dialect, Values: values})
		}
	}
	return out
}

func importedKey(f *fields) commands.ImportKey {
	k := commands.ImportKey{
		Name: f.text("name"), Scopes: f.texts("scopes"),
		Lifetime: time.Duration(min(f.integer(lifetimeSeconds), int64(commands.MaxKeyLifetime/time.Second)+1)) * time.Second,
	}
	k.ID, k.SecretHash = importedSecret(f)
	k.ExpiresAt, _ = f.instant("expiresAt")
	for _, inner := range f.list("allowList") {
		k.AllowList = append(k.AllowList, events.Resource{Type: inner.required("type"), ID: inner.required("id")})
		inner.end()
	}
	f.end()
	return k
}

// importedSecret reads what tells a key: id and the hash of its secret, or a key of
// another form, whole or hashed.
func importedSecret(f *fields) (id string, hash []byte) {
	token, sum := f.text("token"), f.text("tokenHash")
	switch {
	case token == "" && sum == "":
		return f.required("id"), decodedHash(f.required("secretHash"))
	case f.text("id") != "" || f.text("secretHash") != "" || token != "" && sum != "":
		f.refuse("token", "either", "give id and secretHash, or token, or tokenHash alone")
	case token != "" && !commands.IsForeignKey(token):
		f.refuse("token", "format", fmt.Sprintf("must have %d to %d visible ASCII characters", commands.ShortestForeignKey, commands.LongestForeignKey))
	default:
		return importedToken(f, token, sum)
	}
	return "", nil
}

func importedToken(f *fields, token, sum string) (id string, hash []byte) {
	if token != "" {
		return "", commands.HashSecret(token)
	}
	if hash = decodedHash(sum); len(hash) != sha256.Size {
		f.refuse("tokenHash", "format", "must be a SHA-256")
	}
	return "", hash
}

// decodedHash reads a hash in hexadecimal, with or without the "\x" that PostgreSQL
// puts before it, or in base64; nil for anything else.
func decodedHash(s string) []byte {
	if raw, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil {
		return raw
	}
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
		return raw
	}
	return nil
}

// flag is a boolean that has a value where it is absent or null.
func (f *fields) flag(name string, otherwise bool) bool {
	if raw, given := f.object[name]; !given || isNull(raw) {
		f.taken[name] = struct{}{}
		return otherwise
	}
	return f.boolean(name)
}
