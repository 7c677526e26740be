package query

// Page is a part of a list. Next is the cursor of the next page, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}
