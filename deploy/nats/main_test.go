// Package roles_test starts a server from the committed configuration, and connects as
// each of its users.
package roles_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/testenv"
)

// users are those of accounts.conf.
func users() []string { return []string{"api", "projector", "reader", "operator", "system"} }

func password(user string) string { return "password-of-" + user }

// TestMain sets what accounts.conf reads from the environment.
func TestMain(m *testing.M) {
	for _, user := range users() {
		if err := os.Setenv("NATS_"+strings.ToUpper(user)+"_PASSWORD", password(user)); err != nil {
			panic(err)
		}
	}
	for name, value := range map[string]string{
		"NATS_ROUTE_PASSWORD": password("route"), "NATS_SERVER_NAME": "nats-0",
		"NATS_ROUTES": `["nats-route://route:password-of-route@nats-1:6222", "nats-route://route:password-of-route@nats-2:6222"]`,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	testenv.Main(m)
}
