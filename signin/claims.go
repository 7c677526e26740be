package signin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
)

const (
	maxClaims = 64 << 10 // bytes of JSON that are kept
	maxDepth  = 16
)

// mergeClaims reads the claims of the id token and, over them, those of the user
// info, which is the newer word.
func mergeClaims(sources ...json.RawMessage) (map[string]any, error) {
	merged := map[string]any{}
	for _, raw := range sources {
		if len(raw) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber() // ids may be longer than a float64 is exact
		var claims map[string]any
		if err := d.Decode(&claims); err != nil {
			return nil, fmt.Errorf("read claims: %w", err)
		}
		maps.Copy(merged, claims)
	}
	clean := cleanObject(merged, 0)
	if encoded, err := json.Marshal(clean); err != nil || len(encoded) > maxClaims {
		return nil, fmt.Errorf("the claims are larger than %d KiB", maxClaims>>10)
	}
	return clean, nil
}

// clean makes a value of JSON that every store of JSON takes. It says whether
// there is anything left.
func clean(v any, depth int) (any, bool) {
	if depth > maxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return withoutNUL(v), true
	case json.Number:
		f, err := v.Float64()
		return v, err == nil && !math.IsInf(f, 0)
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if e, ok := clean(e, depth+1); ok {
				list = append(list, e)
			}
		}
		return list, true
	case map[string]any:
		return cleanObject(v, depth), true
	default:
		return v, true
	}
}

func cleanObject(v map[string]any, depth int) map[string]any {
	object := make(map[string]any, len(v))
	for name, e := range v {
		if e, ok := clean(e, depth+1); ok {
			object[withoutNUL(name)] = e
		}
	}
	return object
}

func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// textClaim returns a claim that is a text, or "".
func textClaim(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

// verified reads email_verified. Many providers don't make the claim, and some
// make it a text; whatever else it is counts as no.
func verified(claims map[string]any) bool {
	switch v := claims["email_verified"].(type) {
	case nil:
		return true
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "true")
	default:
		return false
	}
}
