package query

import (
	"encoding/base64"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCursorsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9-éß]{0,32}`).Draw(t, "name")
		u := userCursor{List: userList, Username: name, ID: userID(rapid.IntRange(0, 1000).Draw(t, "id"))}
		got, err := decodeUserCursor(encodeCursor(u))
		require.NoError(t, err)
		require.Equal(t, u.Username, got.Username)
		require.Equal(t, u.ID, got.id.String())

		a := activityCursor{
			List: activityList, At: rapid.Int64Range(earliest, latest-1).Draw(t, "at"), Sequence: rapid.Int64Range(1, math.MaxInt64).Draw(t, "sequence"),
		}
		back, err := decodeActivityCursor(encodeCursor(a))
		require.NoError(t, err)
		require.Equal(t, a, back)
	})
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	user := encodeCursor(userCursor{List: userList, Username: "ada", ID: userID(1)})
	activity := encodeCursor(activityCursor{List: activityList, At: 1, Sequence: 1})
	for _, text := range []string{
		"x", "====", "null", user + "A", user + "=", user[1:], raw(`null`), raw(`[]`), raw(`{"l":"u"}`), raw(`{"l":"a"}`),
		raw(`{"l":"u","n":"a\u0000","i":"` + userID(1) + `"}`), raw(`{"l":"u","n":"a","i":"` + userID(1) + `","x":1}`),
		raw(`{"l":"a","t":1,"s":0}`), raw(`{"l":"a","t":9223372036854775807,"s":1}`), raw(` {"l":"a","t":1,"s":1}`), raw(`{"l":"a","t":1e0,"s":1}`),
	} {
		_, err := decodeUserCursor(text)
		require.ErrorIs(t, err, ErrBadCursor, "%q", text)
		_, err = decodeActivityCursor(text)
		require.ErrorIs(t, err, ErrBadCursor, "%q", text)
	}
	_, err := decodeUserCursor(activity)
	require.ErrorIs(t, err, ErrBadCursor, "of another list")
	_, err = decodeActivityCursor(user)
	require.ErrorIs(t, err, ErrBadCursor, "of another list")
}

func FuzzCursors(f *testing.F) {
	f.Add(encodeCursor(userCursor{List: userList, Username: "ada", ID: userID(1)}))
	f.Add(encodeCursor(activityCursor{List: activityList, At: 1, Sequence: 1}))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if u, err := decodeUserCursor(text); err == nil && text != "" {
			require.Equal(t, text, encodeCursor(u))
			require.True(t, storable(u.Username))
		}
		if a, err := decodeActivityCursor(text); err == nil && text != "" {
			require.Equal(t, text, encodeCursor(a))
		}
	})
}
