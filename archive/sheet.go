package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/internal/durable"
)

// A sheet is a file that is written anew as a whole: a line about itself, the
// lines, and a last line that counts and seals them.
type sheetHead struct {
	Format       int    `json:"format"`
	Installation string `json:"installation"`
	Holds        string `json:"holds"` // "keys" or "uses"
}

type sheetEnd struct {
	Lines  int    `json:"lines"`
	SHA256 string `json:"sha256"` // of all lines before this one
}

// key is a line of keys.ndjson.
type key struct {
	Name   string `json:"name"`
	Box    []byte `json:"box,omitempty"`
	Erased bool   `json:"erased,omitempty"`
}

// AppendKey appends a wrapped key's line, its end included.
func AppendKey(to []byte, k events.WrappedKey) ([]byte, error) { return appendJSON(to, key(k)) }

// ParseKey reads what AppendKey wrote.
func ParseKey(text []byte) (events.WrappedKey, error) {
	var k key
	if err := json.Unmarshal(text, &k); err != nil {
		return events.WrappedKey{}, fmt.Errorf("%w: %w", errNoLine, err)
	}
	if k.Name == "" || len(k.Box) == 0 && !k.Erased {
		return events.WrappedKey{}, fmt.Errorf("%w: no name or key", errNoLine)
	}
	return events.WrappedKey(k), nil
}

// KeysFile is where the keys lie: in the archive, unless the operator named a file
// elsewhere.
func KeysFile(dir, elsewhere string) string {
	if elsewhere != "" {
		return elsewhere
	}
	return filepath.Join(dir, keysName)
}

// WriteKeys puts a new keys file in place of the old one, whose bytes are overwritten:
// a key that was erased since is gone with it.
func WriteKeys(path, installation string, keys []events.WrappedKey) error {
	old, err := toWipe(path)
	if err != nil {
		return err
	}
	if err := writeSheet(path, sheetHead{Format, installation, "keys"}, keys, AppendKey); err != nil {
		return errors.Join(err, old.keep())
	}
	return old.wipe()
}

// ReadKeys reads a keys file: the installation it is of, and the keys.
func ReadKeys(path string) (installation string, keys []events.WrappedKey, err error) {
	installation, err = readSheet(path, "keys", func(text []byte) error {
		k, err := ParseKey(text)
		keys = append(keys, k)
		return err
	})
	return installation, keys, err
}

// WriteUses keeps the last use of each key, in place of those kept before.
func (a *Archive) WriteUses(uses []events.Stored) error {
	return writeSheet(filepath.Join(a.dir, usesName), sheetHead{Format, a.manifest.Installation, "uses"}, uses, AppendLine)
}

// Uses reads the last use of each key; none where none were kept.
func (r *Reader) Uses() ([]events.Stored, error) {
	path := filepath.Join(r.dir, usesName)
	if there, err := exists(path); err != nil || !there {
		return nil, err
	}
	var uses []events.Stored
	of, err := readSheet(path, "uses", func(text []byte) error {
		u, err := ParseLine(text)
		uses = append(uses, u)
		return err
	})
	if err == nil && of != r.manifest.Installation {
		err = fmt.Errorf("%w: %s", ErrOther, path)
	}
	return uses, err
}

func writeSheet[T any](path string, h sheetHead, items []T, encode func([]byte, T) ([]byte, error)) error {
	text, err := appendJSON(nil, h)
	for _, item := range items {
		if err != nil {
			return err
		}
		text, err = encode(text, item)
	}
	if err != nil {
		return err
	}
	if text, err = appendJSON(text, sheetEnd{Lines: len(items), SHA256: sum(text)}); err != nil {
		return err
	}
	return durable.Replace(path, text)
}

func readSheet(path, holds string, each func(text []byte) error) (installation string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is missing", path)
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	body := text[:1+bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n')]
	var end sheetEnd
	if json.Unmarshal(text[len(body):], &end) != nil || end.SHA256 == "" {
		return "", damaged(path, "its end is missing")
	}
	if got := sha256.Sum256(body); hex.EncodeToString(got[:]) != end.SHA256 {
		return "", damaged(path, "its lines were changed")
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, maxLine)
	var h sheetHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil || h.Format != Format || h.Holds != holds {
		return "", damaged(path, "it is no file of %s that this release knows", holds)
	}
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			return "", damaged(path, "%v", err)
		}
	}
	if err := lines.Err(); err != nil {
		return "", damaged(path, "%v", err)
	}
	return h.Installation, nil
}
