package events

import (
	"encoding/json"
	"fmt"
)

// AppendString appends a text as JSON.
func AppendString(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return appendUnusual(to, s)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}

func appendUnusual(to []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("encode a text: %v", err)) // texts always encode
	}
	return append(to, text...)
}
