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

// masterKeys are those that a process opens keys with.
type masterKeys struct {
	current []byte
	more    func() ([][]byte, error)
}

// configuredKeys are the master keys of settings that name one.
func configuredKeys(c config.Shared) masterKeys {
	return masterKeys{current: c.MasterKey, more: func() ([][]byte, error) {
		var more [][]byte
		if c.PreviousKey != nil {
			more = append(more, c.PreviousKey)
		}
		for _, path := range c.KeyFiles {
			found, err := keysBeside(path)
			if err != nil {
				return nil, err
			}
			more = append(more, found...)
		}
		return more, nil
	}}
}

// nextKey is what the name of a file of a master key has behind it while that key is
// about to take the place of the one in the file.
const nextKey = ".next"

// keysBeside reads the master key in a file, and the one that is to follow it; either
// may be missing.
func keysBeside(path string) ([][]byte, error) {
	var keys [][]byte
	for _, name := range []string{path, path + nextKey} {
		there, err := exists(name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		key, err := readMasterKey(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// masterKeys are the key that the directory keeps, and the one that is to follow it
// where it is being changed.
func (d *dataDir) masterKeys() (masterKeys, error) {
	key, err := d.masterKey()
	if err != nil {
		return masterKeys{}, err
	}
	return masterKeys{current: key, more: func() ([][]byte, error) { return keysBeside(d.join(masterKeyName)) }}, nil
}

// masterKeyName is the file of the master key in a data directory.
const masterKeyName = "master.key"

// masterKey returns the key that the directory keeps, and makes one for a new
// installation. It never makes one beside streams that need another.
func (d *dataDir) masterKey() ([]byte, error) {
	path := d.join(masterKeyName)
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
	return readMasterKey(path)
}

func readMasterKey(path string) ([]byte, error) {
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
	return makeMasterKey(path)
}

// makeMasterKey makes a random key, which is in its file for good when this returns.
func makeMasterKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	if err := keepMasterKey(path, key); err != nil {
		return nil, err
	}
	return key, nil
}

func keepMasterKey(path string, key []byte) error {
	if err := durable.Replace(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return fmt.Errorf("keep the master key: %w", err)
	}
	return nil
}
