package gate

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/bearer"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/internal/mail"
	"github.com/rosterhq/roster/query"
	"github.com/rosterhq/roster/query/live"
	"github.com/rosterhq/roster/signin"
)

// Deps is what a dialect gets to work with.
type Deps struct {
	Commands *commands.Service
	Queries  *query.Queries
	Gate     *Gate
	Basic    *Basic
	Tokens   *bearer.Signer // nil: no tokens are signed
	Logger   *zap.Logger
	Clock    func() time.Time
	Settings Settings
	Streams  *live.Hub // nil where there are no live streams
	// Closing ends when this process is to end: answers that go on for ever stop
	// then. Nil: it never does.
	Closing context.Context //nolint:containedctx // of the process, not of a request
	SignIn  signin.Providers
	Mail    mail.Mailer // nil: no mail is sent
	Copies  Copies
	Models  Models
	Master  MasterKey // nil: it is a setting
}

// For returns what one dialect works with: its own gate among them.
func (d Deps) For(dialect string) Deps {
	d.Gate = d.Gate.For(dialect)
	return d
}

// Dialect is one HTTP surface. Handlers never write an answer in another form
// than their dialect's, so the server asks the dialect to write its refusals.
type Dialect interface {
	// Name is the dialect in ROSTER_DIALECTS and in events.
	Name() string
	// Register adds the routes, with their whole paths and methods.
	Register(router *mux.Router)
	// Refuse answers what the server refuses before or instead of a handler.
	Refuse(w http.ResponseWriter, r *http.Request, f Refusal)
	// OpenAPI is the document of the dialect, YAML.
	OpenAPI() []byte
}

// Refusal is an answer that a server gives without asking a handler.
type Refusal struct {
	Status     int           // 400, 404, 405, 413, 429, 500 or 503
	Code       string        // "bad-header", "not-found", "method-not-allowed", "rate-limited", "internal", "unavailable"
	Message    string        // for people
	Allow      []string      // of 405; the Allow header is set already
	RetryAfter time.Duration // of 429 and 503; the Retry-After header is set already
}
