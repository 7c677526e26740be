package commands

import (
	"context"
	"errors"
	"time"

	"github.com/rosterhq/roster/events"
)

// Actor is who asks, as the credential check found it.
type Actor struct {
	UserID string // "" for anonymous; SystemActor for the installation itself
	Roles  []events.Role
	Scopes []string // of the key used; {"all"} for a session
	KeyID  string
}

// SystemActor is the installation itself: it may do everything.
const SystemActor = "system"

// Request is what every command carries beside its content.
type Request struct {
	Actor          Actor
	IdempotencyKey string // "" for none
	RequestHash    string // hash of what was asked, to tell a repeat from a misuse of the key
	Dialect        string
	CorrelationID  string
	Reason         string
	IP             string
	UserAgent      string
}

// Result is the answer to a command about a user.
type Result struct {
	User     User            // the state after it
	Position events.Position // the command's last event; of the user's last event when nothing changed
	Changed  bool            // false when there was nothing to append
	Repeated bool            // a repeat of an earlier command, answered again
	Key      Key             // of the session or key concerned
	Token    string          // "<id>-<secret>", only when it was made just now and not Repeated
}

// Register asks for a new user. Empty members are unset.
type Register struct {
	Username      string
	Email         string
	Password      string
	Name          string
	FirstName     string
	LastName      string
	Avatar        string
	Language      string
	LoginType     events.LoginType // "" means password
	Status        events.Status    // "" means active
	Unconfirmed   bool
	Roles         []events.Role
	Organizations []string // ids; empty means the default organization
	Identities    []events.Identity
	// NormaliseUsername makes Username valid and unique by the rule for OAuth
	// logins instead of refusing it.
	NormaliseUsername bool
}

// UpdateUser changes members of a user; nil means unchanged, "" cleared.
type UpdateUser struct {
	UserID    string
	Username  *string
	Email     *string
	Name      *string
	FirstName *string
	LastName  *string
	Avatar    *string
	Language  *string
}

// SetPassword sets a password. Old must be right where the actor is the user
// and has one.
type SetPassword struct {
	UserID string
	Old    string
	New    string
	Revoke bool // close all sessions and keys
}

// UpdatePreferences merges preferences of one dialect, by flat name; a nil
// value removes a preference. The schema of each dialect is in preferences.go.
type UpdatePreferences struct {
	UserID   string
	Dialect  string
	Changes  map[string]any
	Language *string
}

// AssignRoles replaces the site roles.
type AssignRoles struct {
	UserID string
	Roles  []events.Role
}

// SignIn checks a password and opens a session.
type SignIn struct {
	Email    string // one of Email and Username
	Username string
	Password string
	Lifetime time.Duration
}

// CreateKey makes an API key.
type CreateKey struct {
	UserID   string
	Name     string // unique among the user's keys when set
	Scopes   []string
	Lifetime time.Duration
}

// UserRef finds a user by exactly one member, through the log alone.
type UserRef struct {
	ID       string
	Username string
	Email    string
	Identity *events.Identity
}

// ActivityInput is one activity as a source system reports it.
type ActivityInput struct {
	Source, SourceID       string
	User                   UserRef
	Type                   events.ActivityType
	Action                 string
	EntityID, EntityTitle  string
	EntityURL              string
	EntityCreatedAt        *time.Time
	ProjectID, ProjectName string
	Workspace              string
	Count                  int64
	Assignee               *UserRef
	Due                    *time.Time
	OccurredAt             time.Time
	Metadata               map[string]any
}

// ActivityOutcome is what became of one input: Err set means rejected.
type ActivityOutcome struct {
	UserID    string
	Sequence  uint64
	Duplicate bool
	Err       *Error
}

var errNotBuilt = errors.New("not built")

// Service executes commands.
type Service struct{}

// RegisterFirst makes the first user of an installation, an active owner. Of
// concurrent calls exactly one succeeds; later ones get Conflict with reason
// "first-user-exists".
func (s *Service) RegisterFirst(ctx context.Context, r Request, c Register) (Result, error) {
	return Result{}, errNotBuilt
}

// FirstUserExists says whether an installation has its first user.
func (s *Service) FirstUserExists(ctx context.Context) (bool, error) { return false, errNotBuilt }

// DefaultOrganization returns the id of the organization that exists from the
// first start on.
func (s *Service) DefaultOrganization() string { return "" }

// Register makes a user.
func (s *Service) Register(ctx context.Context, r Request, c Register) (Result, error) {
	return Result{}, errNotBuilt
}

// UpdateUser changes profile, username and e-mail in one commit.
func (s *Service) UpdateUser(ctx context.Context, r Request, c UpdateUser) (Result, error) {
	return Result{}, errNotBuilt
}

// SetPassword sets a password.
func (s *Service) SetPassword(ctx context.Context, r Request, c SetPassword) (Result, error) {
	return Result{}, errNotBuilt
}

// UpdatePreferences merges preferences.
func (s *Service) UpdatePreferences(ctx context.Context, r Request, c UpdatePreferences) (Result, error) {
	return Result{}, errNotBuilt
}

// AssignRoles replaces site roles.
func (s *Service) AssignRoles(ctx context.Context, r Request, c AssignRoles) (Result, error) {
	return Result{}, errNotBuilt
}

// Suspend stops an account.
func (s *Service) Suspend(ctx context.Context, r Request, userID string) (Result, error) {
	return Result{}, errNotBuilt
}

// Activate brings an account back.
func (s *Service) Activate(ctx context.Context, r Request, userID string) (Result, error) {
	return Result{}, errNotBuilt
}

// Delete ends an account.
func (s *Service) Delete(ctx context.Context, r Request, userID string) (Result, error) {
	return Result{}, errNotBuilt
}

// SignIn opens a session.
func (s *Service) SignIn(ctx context.Context, r Request, c SignIn) (Result, error) {
	return Result{}, errNotBuilt
}

// SignOut closes the session or key keyID of a user.
func (s *Service) SignOut(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return Result{}, errNotBuilt
}

// CreateKey makes an API key.
func (s *Service) CreateKey(ctx context.Context, r Request, c CreateKey) (Result, error) {
	return Result{}, errNotBuilt
}

// RegenerateKey gives a key a new secret and a new lifetime.
func (s *Service) RegenerateKey(ctx context.Context, r Request, userID, keyID string, lifetime time.Duration) (Result, error) {
	return Result{}, errNotBuilt
}

// ExpireKey ends a key now and keeps it listed.
func (s *Service) ExpireKey(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return Result{}, errNotBuilt
}

// DeleteKey removes a key.
func (s *Service) DeleteKey(ctx context.Context, r Request, userID, keyID string) (Result, error) {
	return Result{}, errNotBuilt
}

// Find returns a live user through the claims in the log.
func (s *Service) Find(ctx context.Context, ref UserRef) (User, error) { return User{}, errNotBuilt }

// RecordActivities records up to 1,000 activities; the answer has one entry
// for each, in order. An input that is wrong is rejected alone. The error is
// for failures that concern all of them.
func (s *Service) RecordActivities(ctx context.Context, r Request, in []ActivityInput) ([]ActivityOutcome, error) {
	return nil, errNotBuilt
}
