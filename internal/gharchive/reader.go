package gharchive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// MaxLine is the longest line that is read, in bytes. Longer ones are errors of
// that line alone.
const MaxLine = 16 << 20

// ErrLineTooLong is the error of a line beyond MaxLine.
var ErrLineTooLong = errors.New("line is longer than 16 MiB")

// FileError says that the rest of a file can not be read.
type FileError struct {
	File string
	Line int // the last line that was read whole
	Err  error
}

// Error implements error.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s: unreadable after line %d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// LineError says what is wrong with one line.
type LineError struct {
	File string
	Line int
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Line is one line of a file, without its end. Data is valid until the next
// call of Next.
type Line struct {
	File   string
	Number int // from 1
	Data   []byte
}

// Reader reads the lines of one file. It is not safe for concurrent use, except
// for Offset.
type Reader struct {
	name   string
	closer io.Closer
	raw    *countingReader
	gzip   *gzip.Reader // nil for a plain file
	lines  *bufio.Reader
	long   []byte // a line that did not fit the buffer
	number int
}

// Open opens a file.
func Open(name string) (*Reader, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	reader, err := NewReader(name, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	reader.closer = file
	return reader, nil
}

// NewReader reads lines from r, which it does not close. name is for messages.
func NewReader(name string, r io.Reader) (*Reader, error) {
	raw := &countingReader{reader: r}
	buffered := bufio.NewReaderSize(raw, 64<<10)
	reader := &Reader{name: name, raw: raw, lines: buffered}

	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &FileError{File: name, Err: err}
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return reader, nil
	}
	reader.gzip, err = gzip.NewReader(buffered)
	if err != nil {
		return nil, &FileError{File: name, Err: err}
	}
	reader.lines = bufio.NewReaderSize(reader.gzip, 256<<10)
	return reader, nil
}

// Next returns the next line that is not blank. At the end it returns io.EOF;
// after a *LineError the following line can be read, after a *FileError nothing.
func (r *Reader) Next() (Line, error) {
	for {
		data, err := r.line()
		if err != nil {
			return Line{}, err
		}
		if data = bytes.TrimSpace(data); len(data) > 0 {
			return Line{File: r.name, Number: r.number, Data: data}, nil
		}
	}
}

// line reads up to the next line end. A file may end without one; a compressed
// stream that breaks off does not give its last, cut line as a whole one.
func (r *Reader) line() ([]byte, error) {
	r.long = r.long[:0]
	tooLong := false
	for {
		part, err := r.lines.ReadSlice('\n')
		if len(r.long)+len(part) > MaxLine+1 {
			tooLong = true
			r.long = r.long[:0]
		}
		switch {
		case err == nil && tooLong:
			r.number++
			return nil, &LineError{File: r.name, Line: r.number, Err: ErrLineTooLong}
		case err == nil && len(r.long) == 0:
			r.number++
			return part, nil
		case err == nil:
			r.number++
			r.long = append(r.long, part...)
			return r.long, nil
		case errors.Is(err, bufio.ErrBufferFull):
			if !tooLong {
				r.long = append(r.long, part...)
			}
		case errors.Is(err, io.EOF):
			return r.last(part, tooLong)
		default:
			return nil, &FileError{File: r.name, Line: r.number, Err: err}
		}
	}
}

// last handles what stands behind the last line end.
func (r *Reader) last(part []byte, tooLong bool) ([]byte, error) {
	if !tooLong && len(r.long)+len(part) == 0 {
		return nil, io.EOF
	}
	r.number++
	if tooLong {
		return nil, &LineError{File: r.name, Line: r.number, Err: ErrLineTooLong}
	}
	r.long = append(r.long, part...)
	return r.long, nil
}

// Offset returns how many bytes of the file itself were read, compressed as it
// is.
func (r *Reader) Offset() int64 { return r.raw.count.Load() }

// Close closes the file.
func (r *Reader) Close() error {
	var err error
	if r.gzip != nil {
		err = r.gzip.Close()
	}
	if r.closer != nil {
		err = errors.Join(err, r.closer.Close())
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", r.name, err)
	}
	return nil
}

type countingReader struct {
	reader io.Reader
	count  atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.count.Add(int64(n))
	return n, err
}
