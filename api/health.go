package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

const readyPatience = 2 * time.Second

// registerHealth tells whether the process lives, and whether it should get
// requests. A busy process should: it answers as many as it can, and where all are
// busy, nobody else would answer more. So it says that it is busy, and stays ready.
func registerHealth(router *mux.Router, ready func(context.Context) error, busy func() string) {
	router.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}).Methods(http.MethodGet)
	router.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
		defer cancel()
		if err := ready(ctx); err != nil {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
			return
		}
		answer := map[string]string{"status": "ready"}
		if why := busy(); why != "" {
			answer["busy"] = why
		}
		writeJSON(w, http.StatusOK, answer)
	}).Methods(http.MethodGet)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
