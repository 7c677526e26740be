package runwhen

import (
	"net/http"
	"net/url"
	"strings"
)

// queryOf reads the query as Python does: a semicolon is a character like others,
// and what is no escape stands for itself. net/url drops such parameters, so that a
// wrong value would count as none.
func queryOf(r *http.Request) url.Values {
	q := url.Values{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		q.Add(unescaped(name), unescaped(value))
	}
	return q
}

func unescaped(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '%' && !isEscape(s[i:]) {
			b.WriteString("25")
		}
	}
	text, err := url.QueryUnescape(b.String())
	if err != nil {
		return s
	}
	return text
}

// isEscape says whether a text that begins with % goes on with two digits.
func isEscape(s string) bool {
	const digits = "0123456789abcdefABCDEF"
	return len(s) > 2 && strings.IndexByte(digits, s[1]) >= 0 && strings.IndexByte(digits, s[2]) >= 0
}
