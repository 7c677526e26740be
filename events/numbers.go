package events

import "slices"

// Numbers is a range of integers, both ends in it.
type Numbers struct{ First, Last int64 }

// AppendNumbers returns a copy of a list of ranges in order with one behind it,
// which becomes one with the last where it begins at its end.
func AppendNumbers(in []Numbers, r Numbers) []Numbers {
	out := slices.Clone(in)
	if last := len(out) - 1; last >= 0 && out[last].Last+1 == r.First {
		out[last].Last = r.Last
		return out
	}
	return append(out, r)
}

// HasNumber says whether one of the ranges, which are in order, has a number in it.
func HasNumber(ranges []Numbers, n int64) bool {
	_, found := slices.BinarySearchFunc(ranges, n, func(r Numbers, n int64) int {
		switch {
		case r.Last < n:
			return -1
		case r.First > n:
			return 1
		}
		return 0
	})
	return found
}
