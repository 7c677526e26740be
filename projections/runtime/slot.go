package runtime

import (
	"fmt"
	"strings"
)

// slot tells the copies of a read model apart. Each has a schema, a checkpoint, a
// lock and parked events of its own.
type slot string

const (
	serving slot = ""      // what readers read
	next    slot = "next"  // built again, to serve
	kept    slot = "kept"  // what served before
	checked slot = "check" // built to be compared
	aside   slot = "aside" // a name for the moment of a switch
)

// copyIn returns the copy of a projection in a slot.
func (p Projection) copyIn(s slot) Projection {
	p.slot = s
	return p
}

// find returns the projection of a row in the runtime's tables; ok is false for one
// that this release does not have.
func find(all []Projection, entry string, version int) (p Projection, ok bool) {
	name, s, _ := strings.Cut(entry, ".")
	for _, p := range all {
		if p.Name == name && p.Version == version {
			return p.copyIn(slot(s)), true
		}
	}
	return Projection{}, false
}

// schemaOf names the schema of a row in the runtime's tables, of any release.
func schemaOf(entry string, version int) string {
	name, s, isCopy := strings.Cut(entry, ".")
	schema := fmt.Sprintf("%s_v%d", name, version)
	if isCopy {
		schema += "_" + s
	}
	return schema
}
