package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rosterhq/roster/internal/testenv"
)

// programs is where TestMain built the binaries.
var programs string

func TestMain(m *testing.M) {
	programs = testenv.Programs("../../cmd/api", "../../cmd/projector", "../../cmd/roster")
	testenv.Main(m, func() { _ = os.RemoveAll(programs) })
}

func program(name string) string { return filepath.Join(programs, name) }
