package telemetry_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/telemetry"
)

func TestLoggerWritesJSONAtItsLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(zap.WarnLevel, &out, false)
	log.Info("quiet")
	log.Warn("heard", zap.String("of", "it"))
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "heard", line["msg"])
	require.Equal(t, "it", line["of"])
}

func TestLoggerWritesLinesForATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.NewLogger(zap.InfoLevel, &out, true).Info("hello")
	require.Contains(t, out.String(), "INFO\thello")
}

func TestRegistriesAreSeparateAndServed(t *testing.T) {
	t.Parallel()
	for range 2 {
		rec := httptest.NewRecorder()
		telemetry.Handler(telemetry.NewRegistry()).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		require.Equal(t, http.StatusOK, rec.Code)
		require.Contains(t, rec.Body.String(), "go_goroutines")
		require.Contains(t, rec.Body.String(), "go_build_info")
	}
}
