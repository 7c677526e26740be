// Package wire speaks as much of HTTP as the benchmarks' load needs. A client
// library would cost as much as the server that is measured on the same cores.
package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// Request returns one request as it goes over the wire.
func Request(method, path, token, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, token, len(body), body)
}

// Conn is a connection that is kept alive, for one goroutine at a time.
type Conn struct {
	conn   net.Conn
	reader *bufio.Reader
}

// Dial connects to a server, which is known by its URL.
func Dial(ctx context.Context, url string) (*Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	return &Conn{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Exchange sends a request and reads its answer, which has to be of that status
// and to tell its length.
func (c *Conn) Exchange(request []byte, status string) error {
	if _, err := c.conn.Write(request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	if !strings.HasPrefix(string(line), "HTTP/1.1 "+status) {
		first := string(line)
		rest, _ := io.ReadAll(io.LimitReader(c.reader, 600))
		return fmt.Errorf("%s %s", first, rest) //nolint:err113 // for people
	}
	length, err := c.length()
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if _, err := c.reader.Discard(length); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return nil
}

// length reads the header, up to the empty line.
func (c *Conn) length() (int, error) {
	const name = "Content-Length:"
	length := 0
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil || len(line) <= len("\r\n") {
			return length, err
		}
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
}
