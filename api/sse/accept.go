package sse

import (
	"mime"
	"slices"
	"strconv"
	"strings"
)

// Quality is how much a client likes a media type: what it says of it most
// exactly counts.
func Quality(accept []string, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	best, exactness := 0.0, 0
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			name, params, err := mime.ParseMediaType(item)
			if err != nil {
				continue
			}
			exact := slices.Index([]string{"*/*", kind + "/*", mediaType}, name) + 1
			if exact == 0 || exact < exactness {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					q = 0
				}
			}
			best, exactness = q, exact
		}
	}
	return best
}
