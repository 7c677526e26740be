package query

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// The lists that cursors belong to.
const (
	userList     = "u"
	activityList = "a"
)

// A cursor is the sort key of a page's last row: base64url of a small JSON object.
// Clients treat it as opaque; only the very text that this package wrote is read.

type userCursor struct {
	List     string `json:"l"`
	Username string `json:"n"`
	ID       string `json:"i"`

	id pgtype.UUID
}

type activityCursor struct {
	List     string `json:"l"`
	At       int64  `json:"t"` // microseconds since 1970
	Sequence int64  `json:"s"`
}

func encodeCursor(c any) string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("encode a cursor: %v", err)) // strings and integers always encode
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// decodeUserCursor reads a cursor; "" stands before the first row.
func decodeUserCursor(text string) (userCursor, error) {
	if text == "" {
		return userCursor{id: pgtype.UUID{Valid: true}}, nil
	}
	var c userCursor
	if err := decodeCursor(text, &c); err != nil {
		return userCursor{}, err
	}
	id, err := uuid.Parse(c.ID)
	if err != nil || id.String() != c.ID || c.List != userList || !storable(c.Username) || encodeCursor(c) != text {
		return userCursor{}, ErrBadCursor
	}
	c.id = pgtype.UUID{Bytes: id, Valid: true}
	return c, nil
}

// The moments that a row can have: years 1 to 9999, which JSON can carry.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()     //nolint:gochecknoglobals // constants
	latest   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() //nolint:gochecknoglobals // but for their form
)

// decodeActivityCursor reads a cursor; "" stands before the first row.
func decodeActivityCursor(text string) (activityCursor, error) {
	if text == "" {
		return activityCursor{At: latest, Sequence: math.MaxInt64}, nil
	}
	var c activityCursor
	if err := decodeCursor(text, &c); err != nil {
		return activityCursor{}, err
	}
	if c.List != activityList || c.At < earliest || c.At >= latest || c.Sequence < 1 || encodeCursor(c) != text {
		return activityCursor{}, ErrBadCursor
	}
	return c, nil
}

const maxCursor = 4096

func decodeCursor(text string, into any) error {
	if len(text) > maxCursor {
		return ErrBadCursor
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadCursor, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrBadCursor, err)
	}
	return nil
}
