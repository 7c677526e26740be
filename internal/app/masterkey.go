package app

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/rosterhq/roster/internal/config"
	"github.com/rosterhq/roster/internal/durable"
)

// masterKey returns the key that the directory keeps, and makes one for a new
// installation. It never makes one beside streams that need another.
func (d *dataDir) masterKey() ([]byte, error) {
	path := d.join("master.key")
	there, err := exists(path)
	if err != nil {
		return nil, err
	}
	if !there {
		return d.newMasterKey(path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the master key %s may be read by others (mode %04o): chmod 600 it, and think of it as known", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	key, err := config.DecodeMasterKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the master key %s is damaged: %w", path, err)
	}
	return key, nil
}

func (d *dataDir) newMasterKey(path string) ([]byte, error) {
	streams, err := exists(d.join("nats/jetstream"))
	if err != nil {
		return nil, err
	}
	if streams {
		return nil, fmt.Errorf("%s is missing, and the log in %s can not be read without it: put it back, or give it in ROSTER_MASTER_KEY", path, d.join("nats"))
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	if err := durable.Replace(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("keep the master key: %w", err)
	}
	return key, nil
}
