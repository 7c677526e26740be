package signin

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	discoveryAge = 6 * time.Hour   // after which endpoints are asked again
	retryAfter   = time.Second     // after a failure
	retryKnown   = 5 * time.Minute // after a failure, while older endpoints are known
)

// discovered is what a provider says of itself.
type discovered struct {
	provider *oidc.Provider
	methods  struct {
		Challenges     []string `json:"code_challenge_methods_supported"`
		Authentication []string `json:"token_endpoint_auth_methods_supported"`
	}
}

// pkce says whether to prove that who brings the code began the sign-in. Providers
// that say nothing about it ignore what they don't know (RFC 6749, 3.1).
func (d *discovered) pkce() bool {
	return len(d.methods.Challenges) == 0 || slices.Contains(d.methods.Challenges, "S256")
}

// endpoint says where and how to ask for tokens. The library would find out how by
// trying, which costs the code.
func (d *discovered) endpoint(confidential bool) oauth2.Endpoint {
	e := d.provider.Endpoint()
	e.AuthStyle = oauth2.AuthStyleInHeader // the default of OpenID Connect Core 9
	methods := d.methods.Authentication
	basic := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if !confidential || !basic {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return e
}

// discovery finds a provider's endpoints when they are needed, once for all who
// wait for them.
type discovery struct {
	issuer string
	client *http.Client
	clock  func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	found *discovered
	again time.Time // when to ask next
	err   error     // of the last try
}

func newDiscovery(issuer string, client *http.Client, clock func() time.Time) *discovery {
	return &discovery{issuer: issuer, client: client, clock: clock}
}

func (d *discovery) get(ctx context.Context) (*discovered, error) {
	if found, err, fresh := d.known(); fresh {
		return found, err
	}
	asked := d.flight.DoChan("", func() (any, error) {
		if found, err, fresh := d.known(); fresh {
			return found, err
		}
		return d.keep(d.ask(context.WithoutCancel(ctx)))
	})
	select {
	case <-ctx.Done():
		return nil, &Error{Reason: Unreachable, Detail: "discovery: " + said(ctx.Err())}
	case res := <-asked:
		found, _ := res.Val.(*discovered)
		return found, res.Err
	}
}

// known returns what the last try found, and whether it still counts.
func (d *discovery) known() (found *discovered, err error, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found, d.err, (d.found != nil || d.err != nil) && d.clock().Before(d.again)
}

func (d *discovery) ask(ctx context.Context) (*discovered, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, d.client), callLimit)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, d.issuer)
	if err != nil {
		return nil, &Error{Reason: Unreachable, Detail: "discovery: " + said(err)}
	}
	found := &discovered{provider: provider}
	if err := provider.Claims(&found.methods); err != nil {
		return nil, &Error{Reason: Unreachable, Detail: "discovery: " + said(err)}
	}
	return found, nil
}

// keep remembers a try. A provider that was known stays known while it is down.
func (d *discovery) keep(found *discovered, err error) (*discovered, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock()
	switch {
	case err == nil:
		d.found, d.err, d.again = found, nil, now.Add(discoveryAge)
	case d.found != nil:
		d.again = now.Add(retryKnown)
	default:
		d.err, d.again = err, now.Add(retryAfter)
	}
	return d.found, d.err
}
