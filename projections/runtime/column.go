package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// column is the array for one argument of a statement over sets, in PostgreSQL's
// binary form. Rows go into it as they come: building arrays of values first, and
// encoding those through reflection, took as long as everything else that a handler
// and its batch do.
type column struct {
	of    elementType
	rows  int32
	nulls bool
	data  []byte // the elements, each behind its length
	room  int    // to make for what is appended; at least the array itself
}

// elementType is a type of PostgreSQL that columns have.
type elementType struct {
	oid   uint32
	array uint32 // the OID of the array
	put   func(to []byte, value any) ([]byte, error)
}

// errNoElement says that a value is not of a column's type: a mistake in a handler, or
// an event that says what can not be stored.
var errNoElement = errors.New("the column takes no such value")

// null is the length of an element that has no value.
var null = binary.BigEndian.AppendUint32(nil, math.MaxUint32)

// add appends a value. A nil, of any type, is a null.
func (c *column) add(value any) error {
	c.rows++
	before := len(c.data)
	if isNull(value) {
		c.nulls = true
		c.data = append(c.data, null...)
		return nil
	}
	data, err := c.of.put(append(c.data, null...), value)
	if err != nil {
		return fmt.Errorf("%T for the type with OID %d: %w", value, c.of.oid, err)
	}
	binary.BigEndian.PutUint32(data[before:], uint32(len(data)-before-len(null)))
	c.data = data
	return nil
}

func isNull(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []byte:
		return v == nil
	case *string:
		return v == nil
	case *time.Time:
		return v == nil
	}
	return false
}

// headerSize is what an array has before its elements.
const headerSize = 5 * 4

func (c *column) size() int { return headerSize + len(c.data) }

// appendTo appends the whole array: one dimension, counted from 1.
func (c *column) appendTo(to []byte) []byte {
	to = slices.Grow(to, max(c.room, c.size()))
	flags := uint32(0)
	if c.nulls {
		flags = 1
	}
	for _, n := range [...]uint32{1, flags, c.of.oid, uint32(c.rows), 1} {
		to = binary.BigEndian.AppendUint32(to, n)
	}
	return append(to, c.data...)
}

func putText(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return append(to, v...), nil
	case *string:
		return append(to, *v...), nil
	}
	return nil, errNoElement
}

func putBytes(to []byte, value any) ([]byte, error) {
	if v, ok := value.([]byte); ok {
		return append(to, v...), nil
	}
	return nil, errNoElement
}

func putUUID(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case [16]byte:
		return append(to, v[:]...), nil
	case string:
		id, err := uuid.Parse(v)
		return append(to, id[:]...), err
	}
	return nil, errNoElement
}

func putBigint(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(to, uint64(v)), nil
	case int:
		return binary.BigEndian.AppendUint64(to, uint64(v)), nil
	}
	return nil, errNoElement
}

func putInteger(to []byte, value any) ([]byte, error) {
	if v, ok := value.(int); ok && math.MinInt32 <= v && v <= math.MaxInt32 {
		return binary.BigEndian.AppendUint32(to, uint32(v)), nil
	}
	return nil, errNoElement
}

func putBoolean(to []byte, value any) ([]byte, error) {
	v, ok := value.(bool)
	switch {
	case !ok:
		return nil, errNoElement
	case v:
		return append(to, 1), nil
	}
	return append(to, 0), nil
}

// epoch is PostgreSQL's, in microseconds of Unix.
const epoch = 946_684_800_000_000

func putTime(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case time.Time:
		return binary.BigEndian.AppendUint64(to, uint64(v.UnixMicro()-epoch)), nil
	case *time.Time:
		return binary.BigEndian.AppendUint64(to, uint64(v.UnixMicro()-epoch)), nil
	}
	return nil, errNoElement
}

// elementTypes are the types by their names in SQL.
var elementTypes = map[string]elementType{
	"text":        {pgtype.TextOID, pgtype.TextArrayOID, putText},
	"uuid":        {pgtype.UUIDOID, pgtype.UUIDArrayOID, putUUID},
	"bigint":      {pgtype.Int8OID, pgtype.Int8ArrayOID, putBigint},
	"integer":     {pgtype.Int4OID, pgtype.Int4ArrayOID, putInteger},
	"timestamptz": {pgtype.TimestamptzOID, pgtype.TimestamptzArrayOID, putTime},
	"boolean":     {pgtype.BoolOID, pgtype.BoolArrayOID, putBoolean},
	"bytea":       {pgtype.ByteaOID, pgtype.ByteaArrayOID, putBytes},
}

// columnsOf makes the columns of a statement over sets, which says of each argument
// what it is an array of: "$1::bigint[]".
func columnsOf(sql string, arguments int) ([]column, error) {
	columns := make([]column, arguments)
	for i := range columns {
		_, cast, found := strings.Cut(sql, "$"+strconv.Itoa(i+1)+"::")
		name, _, array := strings.Cut(cast, "[]")
		of, known := elementTypes[name]
		if !found || !array || !known {
			return nil, fmt.Errorf("the statement does not say what argument %d is an array of: %.60s", i+1, sql)
		}
		columns[i].of = of
	}
	return columns, nil
}

// takeColumns teaches a connection to send columns as arguments.
func takeColumns(conn *pgx.Conn) {
	types := conn.TypeMap()
	for _, of := range elementTypes {
		if t, ok := types.TypeForOID(of.array); ok {
			types.RegisterType(&pgtype.Type{Name: t.Name, OID: t.OID, Codec: arrayCodec{t.Codec}})
		}
	}
}

// arrayCodec is the codec of an array that knows columns as well.
type arrayCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*column); ok && format == pgtype.BinaryFormatCode {
		return encodeColumn{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type encodeColumn struct{}

// Encode implements pgtype.EncodePlan.
func (encodeColumn) Encode(value any, to []byte) ([]byte, error) {
	return value.(*column).appendTo(to), nil
}
