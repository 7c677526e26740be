package codimir

import (
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// profile is the data of GET /api/user/profile.
type profile struct {
	ID          string              `json:"id"`
	Name        string              `json:"name,omitempty"`
	FirstName   string              `json:"firstName,omitempty"`
	LastName    string              `json:"lastName,omitempty"`
	Email       string              `json:"email,omitempty"`
	Image       string              `json:"image,omitempty"`
	Role        string              `json:"role"`
	CreatedAt   timestamp           `json:"createdAt"`
	UpdatedAt   timestamp           `json:"updatedAt"`
	Preferences *profilePreferences `json:"preferences,omitempty"`
	Counts      *counts             `json:"counts,omitempty"`
}

// updatedProfile is the shorter data of PUT /api/user/profile.
type updatedProfile struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	FirstName string    `json:"firstName,omitempty"`
	LastName  string    `json:"lastName,omitempty"`
	Email     string    `json:"email,omitempty"`
	Image     string    `json:"image,omitempty"`
	UpdatedAt timestamp `json:"updatedAt"`
}

type counts struct {
	Projects int64 `json:"projects"`
	Tickets  int64 `json:"tickets"`
	Comments int64 `json:"comments"`
}

func profileOf(u query.User) profile {
	return profile{
		ID: u.ID, Name: displayName(u.Name, u.FirstName, u.LastName), FirstName: u.FirstName, LastName: u.LastName,
		Email: u.Email, Image: u.Avatar, Role: roleOf(u.Roles),
		CreatedAt: timestamp(u.CreatedAt), UpdatedAt: timestamp(u.UpdatedAt),
	}
}

func updatedProfileOf(u commands.User) updatedProfile {
	return updatedProfile{
		ID: u.ID, Name: displayName(u.Name, u.FirstName, u.LastName), FirstName: u.FirstName, LastName: u.LastName,
		Email: u.Email, Image: u.Avatar, UpdatedAt: timestamp(u.UpdatedAt),
	}
}

func countsOf(c query.Counts) *counts {
	return &counts{Projects: c.Projects, Tickets: c.Tickets, Comments: c.Comments}
}

// displayName is the name, or the two halves of it when it is not set. Nothing
// is ever derived the other way.
func displayName(name, first, last string) string {
	if name != "" {
		return name
	}
	return strings.TrimSpace(first + " " + last)
}

// roleOf shows the site roles as the one role that Codimir knows.
func roleOf(roles []events.Role) string {
	switch {
	case slices.Contains(roles, events.RoleOwner), slices.Contains(roles, events.RoleUserAdmin):
		return "ADMIN"
	case len(roles) == 1 && roles[0] == events.RoleAuditor:
		return "VIEWER"
	default:
		return "USER"
	}
}

// parseProfile reads the members of PUT /api/user/profile. Those that are not
// in the request model are ignored.
func parseProfile(m *members) (commands.UpdateUser, error) {
	change := commands.UpdateUser{
		Name:      m.clearable("name"),
		FirstName: m.clearable("firstName"),
		LastName:  m.clearable("lastName"),
		Avatar:    m.clearable("image"),
	}
	if err := m.fault(); err != nil {
		return commands.UpdateUser{}, err
	}
	return change, nil
}

// timestamp is written as Codimir's pages show it: UTC, no fraction.
type timestamp time.Time

// MarshalJSON implements json.Marshaler.
func (t timestamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05Z") + `"`), nil
}
