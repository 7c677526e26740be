package natsserver

import (
	"fmt"
	"path/filepath"
)

// SpreadBatches makes batches cheap on a file system that is slow to make files where
// others were just deleted. The server stages each batch in files of its own; see
// spread. It is for streams that exist; a restart of the server takes it back.
func (s *Server) SpreadBatches() error {
	streams, err := filepath.Glob(filepath.Join(s.ns.JetStreamConfig().StoreDir, "*", "streams", "*"))
	if err != nil {
		return fmt.Errorf("list the folders of streams: %w", err)
	}
	for _, dir := range streams {
		if err := spread(filepath.Join(dir, "batches")); err != nil {
			return fmt.Errorf("spread the batches of %s: %w", filepath.Base(dir), err)
		}
	}
	return nil
}
