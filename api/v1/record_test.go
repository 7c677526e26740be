package v1_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
)

var ndjson = map[string]string{"Content-Type": "application/x-ndjson; charset=utf-8"}

func line(id int) string {
	return fmt.Sprintf(`{"source":"s","id":"%d","user":{"username":"owner"},"type":"comment","action":"created","entity":{"id":"C-%d"},"occurredAt":"2024-01-03T10:00:00Z"}`, id, id)
}

// TestBadItems are rejected alone, the rest is kept, in each form of body.
func TestBadItems(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	bad := []string{
		`{"source":`, `nonsense`, `[]`, `null`, `7`, `{}`, "{\"source\":\"\xff\"}", `{"a":1,"a":2}`, `{"source":"s\u0000"}`,
		strings.Repeat("[", 1000), strings.Repeat(" ", 200<<10) + "x",
		strings.Replace(line(1), `"id":"1"`, `"id":7`, 1),
		strings.Replace(line(1), `"comment"`, `"account"`, 1),
		strings.Replace(line(1), `"owner"`, `"nobody"`, 1),
		strings.Replace(line(1), `{"username":"owner"}`, `{"username":"owner","email":"owner@example.com"}`, 1),
		strings.Replace(line(1), `{"username":"owner"}`, `{"provider":"github"}`, 1),
		strings.Replace(line(1), `{"username":"owner"}`, `{}`, 1),
		strings.Replace(line(1), `{"username":"owner"}`, `"owner"`, 1),
		strings.Replace(line(1), `2024-01-03T10:00:00Z`, `yesterday`, 1),
		strings.Replace(line(1), `2024-01-03T10:00:00Z`, `9999-12-31T23:59:59-23:59`, 1),
		strings.Replace(line(1), `2024-01-03T10:00:00Z`, `0000-01-01T00:00:00Z`, 1),
		strings.Replace(line(1), `{"source"`, `{"count":1e999,"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"count":-1,"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"count":1.5,"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"metadata":{"x":1e999},"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"metadata":[],"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"metadata":{"x":"`+strings.Repeat("y", 20<<10)+`"},"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"nonsense":1,"source"`, 1),
		strings.Replace(line(1), `{"id":"C-1"}`, `{"id":""}`, 1),
		strings.Replace(line(1), `{"id":"C-1"}`, `{"id":"C","createdAt":5}`, 1),
		strings.Replace(line(1), `{"source"`, `{"project":{"name":"x"},"source"`, 1),
		strings.Replace(line(1), `{"source"`, `{"assignee":{"email":7},"source"`, 1),
	}
	var body strings.Builder
	for i, b := range bad {
		fmt.Fprintf(&body, "%s\n%s\n", b, line(i))
	}
	a := owner.Do("POST", "/v1/activities", ndjson, body.String())
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	m := a.Map(s)
	require.EqualValues(t, len(bad), m["accepted"], "%s", a.Body)
	require.EqualValues(t, len(bad), m["rejectedTotal"])
	for i, r := range m["rejected"].([]any) {
		require.EqualValues(t, 2*i, r.(object)["index"], "%s", r)
		require.NotEmpty(t, r.(object)["message"])
		require.Less(t, len(r.(object)["message"].(string)), 512)
	}

	array := owner.Do("POST", "/v1/activities", nil, "["+line(1)+`,7,null,"x",{},[],`+line(1000)+"]")
	require.Equal(t, object{"accepted": 1.0, "duplicates": 1.0, "rejectedTotal": 5.0}, counts(array.Map(s)), "%s", array.Body)
	require.Equal(t, http.StatusBadRequest, owner.Do("POST", "/v1/activities", nil, "["+line(1)+"").Status)
	require.Equal(t, http.StatusBadRequest, owner.Do("POST", "/v1/activities", nil, "").Status)
	empty := owner.Do("POST", "/v1/activities", ndjson, "\n \n\n")
	require.Equal(t, object{"accepted": 0.0, "duplicates": 0.0, "rejectedTotal": 0.0}, counts(empty.Map(s)))
	require.NotContains(t, empty.Map(s), "position")
	last := owner.Do("POST", "/v1/activities", ndjson, "\r\n"+line(2000)+"\r\n"+line(2001))
	require.Equal(t, object{"accepted": 2.0, "duplicates": 0.0, "rejectedTotal": 0.0}, counts(last.Map(s)), "%s", last.Body)
	single := owner.Do("POST", "/v1/activities", nil, `{"source":"s"}`)
	require.Equal(t, object{"accepted": 0.0, "duplicates": 0.0, "rejectedTotal": 1.0}, counts(single.Map(s)))
}

func counts(m object) object {
	return object{"accepted": m["accepted"], "duplicates": m["duplicates"], "rejectedTotal": m["rejectedTotal"]}
}

// TestLongStream is many more lines than one chunk, and more bad ones than are listed.
func TestLongStream(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.FirstUser()
	reader, writer := io.Pipe()
	go func() {
		for i := range 3500 {
			_, _ = io.WriteString(writer, line(i)+"\n")
		}
		_, _ = io.WriteString(writer, strings.Repeat("nonsense\n", 250))
		_ = writer.Close()
	}()
	a := owner.Do("POST", "/v1/activities", ndjson, reader)
	require.Equal(t, object{"accepted": 3500.0, "duplicates": 0.0, "rejectedTotal": 250.0}, counts(a.Map(s)), "%s", cut(a.Body))
	require.Len(t, a.Map(s)["rejected"], 100)
	require.Equal(t, object{"count": 3500.0}, owner.Do("GET", "/v1/users/me/activities/count?type=comment", nil, nil).Map(s))

	tooMany := owner.Do("POST", "/v1/activities", ndjson, line(5000)+"\n"+strings.Repeat("x\n", 100_000))
	require.Equal(t, http.StatusRequestEntityTooLarge, tooMany.Status)
	m := tooMany.Map(s)
	require.Equal(t, "too-many-items", m["code"])
	require.EqualValues(t, 1, m["accepted"])
	require.EqualValues(t, 99_999, m["rejectedTotal"])
	require.NotEmpty(t, m["position"])
}
