package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/rosterhq/roster/cmd/roster/internal/importer"
	"github.com/rosterhq/roster/internal/gharchive"
)

// listed is how many rejections are shown.
const listed = 10

// archive reads several files as one source and remembers what went wrong. Next
// is called by one goroutine, refused by another, tell when both have ended.
type archive struct {
	files []string
	size  int64 // of all files, in bytes

	reader *gharchive.Reader
	before int64 // size of the files that were read

	badLines   int
	lineErrors []error
	broken     []error        // files that could not be read to their end
	unmapped   map[string]int // events without a place, by kind

	refusals   int
	refusalMsg []string
}

// openArchive looks at all files before the first is read, so that a mistyped
// name is found at once.
func openArchive(files []string) (*archive, error) {
	a := &archive{files: files, unmapped: make(map[string]int)}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open archive: %w", err)
		}
		info, err := file.Stat()
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("open archive: %w", err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("open archive: %s is a directory", name)
		}
		a.size += info.Size()
	}
	return a, nil
}

// Next returns the next activity; false at the end of the last file.
func (a *archive) Next() (importer.Item, bool) {
	for a.reader != nil || a.open() {
		line, err := a.reader.Next()
		if err != nil {
			a.failed(err)
			continue
		}
		if item, ok := a.parse(line); ok {
			return item, true
		}
	}
	return importer.Item{}, false
}

// open opens the next file that can be opened.
func (a *archive) open() bool {
	for len(a.files) > 0 {
		name := a.files[0]
		a.files = a.files[1:]
		reader, err := gharchive.Open(name)
		if err == nil {
			a.reader = reader
			return true
		}
		a.broken = append(a.broken, err)
	}
	return false
}

// failed handles what Next of a reader returns beside lines.
func (a *archive) failed(err error) {
	var line *gharchive.LineError
	if errors.As(err, &line) {
		a.badLine(err)
		return
	}
	if !errors.Is(err, io.EOF) {
		a.broken = append(a.broken, err)
	}
	a.Close()
}

// Close closes the file that is open.
func (a *archive) Close() {
	if a.reader == nil {
		return
	}
	a.before += a.reader.Offset()
	_ = a.reader.Close() // it was only read
	a.reader = nil
}

func (a *archive) parse(line gharchive.Line) (importer.Item, bool) {
	record, err := gharchive.Parse(line.Data)
	var unmapped *gharchive.UnmappedError
	switch {
	case errors.As(err, &unmapped):
		a.leaveOut(kindOf(unmapped))
		return importer.Item{}, false
	case err != nil:
		a.badLine(&gharchive.LineError{File: line.File, Line: line.Number, Err: err})
		return importer.Item{}, false
	}
	made, err := item(record, importer.Origin{File: line.File, Line: line.Number}, a.before+a.reader.Offset())
	if err != nil {
		a.badLine(&gharchive.LineError{File: line.File, Line: line.Number, Err: err})
		return importer.Item{}, false
	}
	return made, true
}

// maxKinds bounds what a strange file can make us remember.
const maxKinds = 50

func (a *archive) leaveOut(kind string) {
	if _, known := a.unmapped[kind]; !known && len(a.unmapped) >= maxKinds {
		kind = "others"
	}
	a.unmapped[kind]++
}

func kindOf(e *gharchive.UnmappedError) string {
	if e.Action == "" {
		return e.Type
	}
	return e.Type + " " + e.Action
}

func (a *archive) badLine(err error) {
	a.badLines++
	if len(a.lineErrors) < listed {
		a.lineErrors = append(a.lineErrors, err)
	}
}

// refused notes what the server did not take.
func (a *archive) refused(r importer.Rejection) {
	a.refusals++
	if len(a.refusalMsg) < listed {
		a.refusalMsg = append(a.refusalMsg, fmt.Sprintf("%s:%d: %s: %s", r.Origin.File, r.Origin.Line, r.Code, r.Message))
	}
}

// tell writes what was left out and why.
func (a *archive) tell(w io.Writer) {
	if len(a.unmapped) > 0 {
		var total int
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(a.unmapped)) {
			total += a.unmapped[kind]
			kinds = append(kinds, fmt.Sprintf("%s (%d)", printable(kind), a.unmapped[kind]))
		}
		_, _ = fmt.Fprintf(w, "left out %d events that Roster has no activity for: %s\n", total, strings.Join(kinds, ", "))
	}
	messages := make([]string, 0, 2*listed)
	for _, err := range a.lineErrors {
		messages = append(messages, err.Error())
	}
	messages = append(messages, a.refusalMsg...)
	for _, m := range messages[:min(listed, len(messages))] {
		_, _ = fmt.Fprintln(w, "rejected", printable(m))
	}
	if more := a.badLines + a.refusals - listed; more > 0 {
		_, _ = fmt.Fprintf(w, "rejected %d more\n", more)
	}
	for _, err := range a.broken {
		_, _ = fmt.Fprintln(w, "roster:", printable(err.Error()))
	}
}

// printable keeps text from a file from driving the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
