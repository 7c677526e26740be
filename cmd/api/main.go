// Command api is Roster: HTTP, and with nothing configured the whole system in
// one process (embedded NATS, a private PostgreSQL, the projectors). See --help
// for its settings.
package main

import (
	"os"

	"github.com/rosterhq/roster/internal/app"
)

func main() { os.Exit(app.RunAPI()) }
