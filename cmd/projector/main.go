// Command projector builds the read models in PostgreSQL from the log in NATS.
// Any number may run: for each read model one works and the others stand by. See
// --help for its settings.
package main

import (
	"os"

	"github.com/rosterhq/roster/internal/app"
)

func main() { os.Exit(app.RunProjector()) }
