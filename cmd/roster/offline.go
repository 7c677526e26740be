package main

import (
	"errors"
	"os"

	"github.com/rosterhq/roster/internal/config"
)

// offlineSettings are those of the server on whose installation a command works
// while it is stopped; dataDir, where it is given, counts before the environment.
func offlineSettings(command, dataDir string) (config.API, error) {
	lookup := func(name string) (string, bool) {
		if name == "ROSTER_DATA_DIR" && dataDir != "" {
			return dataDir, true
		}
		return os.LookupEnv(name)
	}
	c, err := config.ReadAPI(config.Input{Lookup: lookup, Root: os.Geteuid() == 0, Name: "roster " + command})
	if err == nil && dataDir != "" && c.NATSURL != "" {
		err = errors.New("--data-dir and ROSTER_NATS_URL name two installations: unset one")
	}
	return c, err
}
