package query

import (
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// errNoRow is for what can not be in a table.
var errNoRow = pgx.ErrNoRows

// parseID reads a user's id; what is no UUID is nobody's id.
func parseID(s string) (pgtype.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 { // Parse takes other spellings as well
		return pgtype.UUID{}, errNoRow
	}
	return pgtype.UUID{Bytes: id, Valid: true}, nil
}

// storable says whether PostgreSQL can hold a text: no NUL, valid UTF-8.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
