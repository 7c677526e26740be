package runtime

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const allTypesSQL = `select from unnest($1::text[], $2::uuid[], $3::bigint[], $4::integer[], $5::timestamptz[], $6::boolean[], $7::bytea[])`

// TestColumnsAreWhatPgxWouldSend compares, byte for byte, for every type.
func TestColumnsAreWhatPgxWouldSend(t *testing.T) {
	t.Parallel()
	values := [...]*rapid.Generator[any]{
		rapid.OneOf(rapid.String().AsAny(), rapid.Ptr(rapid.String(), true).AsAny(), rapid.Just[any](nil)),
		rapid.Custom(func(t *rapid.T) [16]byte { return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")) }).AsAny(),
		rapid.Int64().AsAny(),
		rapid.IntRange(-1<<31, 1<<31-1).AsAny(),
		rapid.OneOf(times().AsAny(), rapid.Ptr(times(), true).AsAny()),
		rapid.Bool().AsAny(),
		rapid.OneOf(rapid.SliceOf(rapid.Byte()).AsAny(), rapid.Just[any]([]byte(nil))),
	}
	types := pgtype.NewMap()
	rapid.Check(t, func(rt *rapid.T) {
		columns, err := columnsOf(allTypesSQL, len(values))
		require.NoError(rt, err)
		rows := rapid.IntRange(1, 20).Draw(rt, "rows")
		for i := range columns {
			var plain []any
			for range rows {
				v := values[i].Draw(rt, "value")
				plain = append(plain, v)
				require.NoError(rt, columns[i].add(v))
			}
			want, err := types.Encode(columns[i].of.array, pgtype.BinaryFormatCode, plain, nil)
			require.NoError(rt, err)
			require.Equal(rt, want, columns[i].appendTo(nil), "argument %d", i+1)
		}
	})
}

func times() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1<<48, 1<<51).Draw(t, "at"))
	})
}

// TestColumnsTakeIDsAsText: most handlers have them so.
func TestColumnsTakeIDsAsText(t *testing.T) {
	t.Parallel()
	columns, err := columnsOf("$1::uuid[], $2::uuid[]", 2)
	require.NoError(t, err)
	require.NoError(t, columns[0].add("0190c3a8-0000-7000-8000-00000000000a"))
	require.NoError(t, columns[1].add([16]byte{0x01, 0x90, 0xc3, 0xa8, 0, 0, 0x70, 0, 0x80, 15: 0x0a}))
	require.Equal(t, columns[1].appendTo(nil), columns[0].appendTo(nil))
	require.Error(t, columns[0].add("no id"))
}

// TestColumnsRefuseOtherTypes: the mistake of a handler fails its batch.
func TestColumnsRefuseOtherTypes(t *testing.T) {
	t.Parallel()
	columns, err := columnsOf(allTypesSQL, 7)
	require.NoError(t, err)
	for i := range columns {
		require.ErrorIs(t, columns[i].add(struct{}{}), errNoElement, "argument %d", i+1)
	}
	require.ErrorIs(t, columns[3].add(1<<31), errNoElement)

	_, err = columnsOf("select from unnest($1::text[], $2)", 2)
	require.ErrorContains(t, err, "argument 2")
	_, err = columnsOf("select $1::text", 1)
	require.Error(t, err)
	_, err = columnsOf("select $1::numeric[]", 1)
	require.Error(t, err)

	var b batch
	b.row("", allTypesSQL, []any{1, 2, 3, 4, 5, 6, 7})
	require.ErrorContains(t, b.run(t.Context(), nil, 1), "argument 1")
}

// TestStatementsNameTheirTypes: arguments from 10 on are told from the first.
func TestStatementsNameTheirTypes(t *testing.T) {
	t.Parallel()
	columns, err := columnsOf("unnest($10::bigint[], $1::text[], $2::uuid[]"+
		", $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])", 10)
	require.NoError(t, err)
	require.Equal(t, elementTypes["text"].oid, columns[0].of.oid)
	require.Equal(t, elementTypes["uuid"].oid, columns[1].of.oid)
	require.Equal(t, elementTypes["boolean"].oid, columns[8].of.oid)
	require.Equal(t, elementTypes["bigint"].oid, columns[9].of.oid)
}
