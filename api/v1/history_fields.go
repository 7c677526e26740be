package v1

import (
	"maps"
	"reflect"
	"slices"

	"github.com/rosterhq/roster/api/v1/client"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
)

// sight is who may see a field of the past.
type sight int

const (
	public   sight = iota
	personal       // who may see personal data
	secret         // nobody: only that it changed
)

// field is a value of a state, by its name in the history. One without a value is
// none: it is left out.
type field struct {
	value any
	sight sight
}

// fieldSet is a state as the history shows it.
type fieldSet map[string]field

func (s fieldSet) text(name, value string, who sight) {
	if value != "" {
		s[name] = field{value, who}
	}
}

func (s fieldSet) list(name string, values []string, who sight) {
	if len(values) > 0 {
		s[name] = field{slices.Sorted(slices.Values(values)), who}
	}
}

func fieldsOfUser(u commands.User) fieldSet {
	s := fieldSet{}
	if u.ID == "" {
		return s
	}
	s.text("username", u.Username, personal)
	s.text("email", u.Email, personal)
	s.text("name", u.Name, personal)
	s.text("firstName", u.FirstName, personal)
	s.text("lastName", u.LastName, personal)
	s.text("avatar", u.Avatar, personal)
	s.text("language", u.Language, personal)
	s.text("loginType", string(u.LoginType), public)
	s.text("status", string(u.Status), public)
	s["number"], s["confirmed"] = field{u.Number, public}, field{u.Confirmed, public}
	roles := make([]string, len(u.Roles))
	for i, r := range u.Roles {
		roles[i] = string(r)
	}
	s.list("roles", roles, public)
	for _, m := range u.Memberships {
		s["organizations."+m.Organization] = field{append([]string{}, m.Roles...), public}
	}
	for _, id := range u.Identities {
		s["identities."+id.Provider] = field{id.Subject, personal}
	}
	credentialFields(s, u)
	for dialect, p := range u.Preferences {
		for name, value := range p.Values {
			s["preferences."+dialect+"."+name] = field{value, personal}
		}
	}
	for id, k := range u.Keys {
		keyFields(s, "keys."+id+".", k)
	}
	return s
}

func credentialFields(s fieldSet, u commands.User) {
	s.text("password", u.PasswordHash, secret)
	s.text("readableKey", u.ReadableKey, secret)
	if u.Passcode != nil {
		s["passcode"] = field{string(u.Passcode.Hash), secret}
	}
	if u.SSHKey != nil {
		s.text("sshKey.publicKey", u.SSHKey.PublicKey, personal)
		s.text("sshKey.privateKey", u.SSHKey.PrivateKey, secret)
	}
	for name, p := range u.Providers {
		s["providers."+name] = field{p, secret}
	}
}

func keyFields(s fieldSet, prefix string, k commands.Key) {
	s.text(prefix+"loginType", string(k.LoginType), public)
	s.text(prefix+"name", k.Name, personal)
	s.list(prefix+"scopes", scopesOf(k.LoginType, k.Scopes), public)
	s[prefix+"expiresAt"] = field{stamp(k.ExpiresAt), public}
	s.text(prefix+"secret", string(k.SecretHash), secret)
	if len(k.AllowList) > 0 {
		s[prefix+"allowList"] = field{k.AllowList, public}
	}
}

func fieldsOfOrganization(o commands.Organization) fieldSet {
	s := fieldSet{}
	if o.ID == "" {
		return s
	}
	s.text("name", o.Name, public)
	s.text("displayName", o.DisplayName, public)
	s.text("description", o.Description, public)
	s.text("icon", o.Icon, public)
	s["number"], s["default"], s["deleted"] = field{o.Number, public}, field{o.Default, public}, field{o.Deleted, public}
	return s
}

func fieldsOfWorkspace(w commands.Workspace) fieldSet {
	s := fieldSet{}
	if w.ID == "" {
		return s
	}
	s.text("name", w.Name, public)
	s.text("displayName", w.DisplayName, public)
	s.text("owner", w.Owner, public)
	s.list("locations", w.Locations, public)
	s["number"], s["deleted"] = field{w.Number, public}, field{w.Deleted, public}
	for g, role := range w.Permissions {
		s["permissions."+grantee(g)] = field{string(role), public}
	}
	return s
}

func grantee(g events.Grantee) string {
	if g.Group != "" {
		return "group/" + g.Group
	}
	return "user/" + g.User
}

// changes lists what differs, by name. Personal values are hidden from those who
// may not see them.
func changes(before, after fieldSet, seesPersonal bool) []client.HistoryChange {
	names := slices.Collect(maps.Keys(after))
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := []client.HistoryChange{}
	for _, name := range names {
		was, had := before[name]
		is, has := after[name]
		if had == has && reflect.DeepEqual(was.value, is.value) {
			continue
		}
		c := client.HistoryChange{Field: name}
		if who := max(was.sight, is.sight); who == secret || who == personal && !seesPersonal {
			c.Hidden = true
		} else {
			c.Old, c.New = was.value, is.value
		}
		out = append(out, c)
	}
	return out
}
