// Package faults_test attacks a whole Roster: the built programs run against a
// nats-server and a PostgreSQL that are processes of their own, while clients write
// and read; processes are killed and paused, connections are cut, slowed and
// muted. Then the log is read and everything that was answered is looked for.
//
// A run is seeded: what clients do and what goes wrong, in which order and for how
// long, follows from the seed; what meets what at which moment does not.
//
//	FAULTS_FOR=20m FAULTS_SEED=7 FAULTS_OUT=run.md make test-faults
package faults_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rosterhq/roster/internal/testenv"
)

// programs is where TestMain built the programs.
var programs string

func TestMain(m *testing.M) {
	programs = testenv.Programs("../../cmd/api", "../../cmd/projector", "github.com/nats-io/nats-server/v2")
	testenv.Main(m, func() { _ = os.RemoveAll(programs) })
}

func program(name string) string { return filepath.Join(programs, name) }
