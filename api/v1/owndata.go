package v1

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/commands"
	"github.com/rosterhq/roster/query"
)

// readOwnData answers with everything that is held about who asks. A stolen limited
// key must not be enough for it.
func (h *Handler) readOwnData(w http.ResponseWriter, r *http.Request, c gate.Caller) error {
	if err := mayDo(c, commands.ReadOwnData, c.UserID()); err != nil {
		return err
	}
	me, err := h.Queries.User(r.Context(), query.UserRef{ID: c.UserID()})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="roster-data.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	if gate.WantsHead(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	ctx, stop := h.untilClosing(r.Context())
	defer stop()
	out := bufio.NewWriterSize(&patientWriter{w: w}, longBuffer)
	if err = h.writeOwnData(ctx, out, me); err == nil {
		err = out.Flush()
	}
	if err != nil {
		h.logger(r).Warn("an answer with a person's own data was cut off", zap.Error(err))
		panic(http.ErrAbortHandler) // half of it is out
	}
	return nil
}

func (h *Handler) writeOwnData(ctx context.Context, out io.Writer, me query.User) error {
	pack := zip.NewWriter(out)
	lines, err := pack.Create("data.ndjson")
	if err != nil {
		return fmt.Errorf("begin the data: %w", err)
	}
	data := &ownData{handler: h, me: me, to: json.NewEncoder(lines), counts: map[string]int{}}
	data.to.SetEscapeHTML(false)
	if err := data.all(ctx); err != nil {
		return err
	}
	summary, err := pack.Create("summary.txt")
	if err != nil {
		return fmt.Errorf("begin the summary: %w", err)
	}
	if _, err := io.WriteString(summary, data.summary()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	if err := pack.Close(); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}
