package coder

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// paging is what the plain parameters of lists say. A limit of 0 is none.
type paging struct {
	afterID       string
	limit, offset int
}

var errNegative = errors.New("must not be negative")

// pageOf reads the plain parameters of a list. Those that it does not know are
// none of its business.
func pageOf(values url.Values) (paging, error) {
	var p paging
	var invalid []validation
	number := func(name string) int {
		value := values.Get(name)
		if value == "" {
			return 0
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err == nil && n < 0 {
			err = errNegative
		}
		if err != nil {
			invalid = append(invalid, validation{Field: name, Detail: notInteger(name, err)})
		}
		return int(n)
	}
	p.limit, p.offset = number("limit"), number("offset")
	if value := values.Get("after_id"); value != "" {
		id, ok := canonicalUUID(value)
		if !ok {
			invalid = append(invalid, validation{Field: "after_id", Detail: `Query param "after_id" must be a valid uuid`})
		}
		p.afterID = id
	}
	if len(invalid) > 0 {
		return paging{}, refuse(http.StatusBadRequest, "Query parameters have invalid values.", "", invalid...)
	}
	return p, nil
}

// notInteger says what is wrong with a number, without repeating a long one.
func notInteger(key string, err error) string {
	var syntax *strconv.NumError
	if errors.As(err, &syntax) {
		err = fmt.Errorf("parsing %q: %w", printable(syntax.Num), syntax.Err)
	}
	return fmt.Sprintf("Query param %q must be a valid integer (%v)", key, err)
}
