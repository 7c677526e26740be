package v1

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/api/sse"
	"github.com/rosterhq/roster/events"
)

// negotiate chooses the form of a stream: server-sent events, unless the client
// likes NDJSON better.
func negotiate(accept []string) (lines bool, err error) {
	if len(accept) == 0 {
		return false, nil
	}
	sse, nd := sse.Quality(accept, sse.EventStream), sse.Quality(accept, sse.NDJSON)
	if sse <= 0 && nd <= 0 {
		return false, refuse(http.StatusNotAcceptable, "not-acceptable", "a stream is text/event-stream or application/x-ndjson")
	}
	return nd > sse, nil
}

// streamParameters is what a stream's query says.
type streamParameters struct {
	users, projects, workspaces []string
	types                       []events.ActivityType
	after                       string
}

const (
	maxValues = 100
	maxValue  = 256
)

func streamParametersOf(r *http.Request) (streamParameters, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return streamParameters{}, refuse(http.StatusBadRequest, "bad-query", "the query string is malformed")
	}
	for _, name := range []string{"user", "project", "workspace", "type", "last_event_id"} {
		if err := checkValues(name, values[name]); err != nil {
			return streamParameters{}, err
		}
	}
	out := streamParameters{
		users: values["user"], projects: distinct(values["project"]), workspaces: distinct(values["workspace"]),
		after: r.Header.Get("Last-Event-ID"),
	}
	if slices.Contains(out.users, "") {
		return streamParameters{}, parameter("user", "format", "must be the id or username of a user, or me")
	}
	if out.after == "" { // the header is newer: browsers keep the URL and add it
		out.after = values.Get("last_event_id")
	}
	if list := slices.DeleteFunc(values["type"], func(s string) bool { return s == "" }); len(list) > 0 {
		joined := parameters{url.Values{"type": {strings.Join(list, ",")}}}
		if out.types, err = joined.types(); err != nil {
			return streamParameters{}, err
		}
	}
	return out, nil
}

func checkValues(name string, list []string) error {
	if len(list) > maxValues {
		return parameter(name, "too-many", "at most "+strconv.Itoa(maxValues)+" may be given")
	}
	for _, v := range list {
		if len(v) > maxValue {
			return parameter(name, "too-long", "is longer than "+strconv.Itoa(maxValue)+" bytes")
		}
		if !cleanText(v) {
			return parameter(name, "format", "must be UTF-8 text without NUL characters")
		}
	}
	return nil
}

func distinct(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
