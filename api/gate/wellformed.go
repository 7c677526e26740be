package gate

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// wellFormed says that raw is one JSON text without anything that has to be looked
// at closely. False says nothing: the thorough check, which costs several times as
// much, finds what is wrong, if anything is.
func wellFormed(raw []byte) bool {
	return !bytes.Contains(raw, []byte(`\u0000`)) && shallow(raw) && jsontext.Value(raw).IsValid() // without repeated members, too
}

// shallow says that a JSON text is not nested too deep.
func shallow(raw []byte) bool {
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) <= MaxDepth {
		return true
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		if _, err := d.ReadToken(); err != nil || d.StackDepth() > MaxDepth {
			return err != nil // which is not about the depth
		}
		if d.StackDepth() == 0 {
			return true
		}
	}
}
