package memlog_test

import (
	"bytes"
	"testing"

	"github.com/rosterhq/roster/eventlog/logtest"
	"github.com/rosterhq/roster/eventlog/memlog"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(*testing.T) logtest.Log { return memlog.New(bytes.Repeat([]byte{7}, 32)) })
}
