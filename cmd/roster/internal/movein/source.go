package movein

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// longestLine is what the server takes.
const longestLine = 128 << 10

// reader hands out lines; of one that is too long it says so.
type reader struct {
	in     *bufio.Reader
	line   int
	offset int64
}

func newReader(r io.Reader) *reader { return &reader{in: bufio.NewReaderSize(r, longestLine)} }

// next returns a line without its end, which is good until the next call; io.EOF at
// the end.
func (r *reader) next() (line []byte, tooLong bool, err error) {
	line, err = r.in.ReadSlice('\n')
	r.offset += int64(len(line))
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, false, io.EOF
	}
	r.line++
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		var rest []byte
		rest, err = r.in.ReadSlice('\n')
		r.offset += int64(len(rest))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("read line %d: %w", r.line, err)
	}
	if tooLong {
		return nil, true, nil
	}
	return bytes.TrimSpace(line), false, nil
}

// Highest returns the highest number of a file, and how many users are in it. What
// can not be read as a user is left to the server to refuse.
func Highest(in io.Reader) (highest int64, users int, err error) {
	r := newReader(in)
	for {
		line, _, err := r.next()
		if errors.Is(err, io.EOF) {
			return highest, users, nil
		}
		if err != nil {
			return 0, 0, err
		}
		if len(line) == 0 {
			continue
		}
		users++
		var user struct {
			Number int64 `json:"number"`
		}
		if json.Unmarshal(line, &user) == nil && user.Number <= maxNumber {
			highest = max(highest, user.Number)
		}
	}
}

// maxNumber is the highest number that a server takes.
const maxNumber = 2_000_000_000
