package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/events"
)

// FormatNumbers writes ranges of integers as "1-100,151-200".
func FormatNumbers(ranges []events.Numbers) string {
	var out []byte
	for i, r := range ranges {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, r.First, 10)
		out = append(out, '-')
		out = strconv.AppendInt(out, r.Last, 10)
	}
	return string(out)
}

// ParseNumbers reads what FormatNumbers wrote.
func ParseNumbers(s string) ([]events.Numbers, error) {
	var out []events.Numbers
	for part := range strings.SplitSeq(s, ",") {
		first, last, ok := strings.Cut(part, "-")
		from, firstErr := strconv.ParseInt(first, 10, 64)
		to, lastErr := strconv.ParseInt(last, 10, 64)
		if !ok || firstErr != nil || lastErr != nil || from < 1 || to < from {
			return nil, fmt.Errorf("%q is no range of numbers", part)
		}
		out = append(out, events.Numbers{First: from, Last: to})
	}
	return out, nil
}
