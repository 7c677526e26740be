package overload_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// slowPace is how often a slow client sends or takes a byte.
const slowPace = time.Second

// slowKinds are what slow clients do: what they send first, and whether they then
// read, rather than write, a byte at a time.
func (s *server) slowKinds() []slowKind {
	head := "Host: x\r\nAuthorization: Bearer " + s.token + "\r\n"
	return []slowKind{
		{first: "GET /v1/users/me HTTP/1.1\r\nHost: x\r\nX-Slow: "},
		{first: "POST /api/v2/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"},
		{first: "PATCH /v1/users/me HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n"},
		// More than the buffers between take, and few requests: this is about the pace.
		{first: strings.Repeat("GET /v1/openapi.yaml HTTP/1.1\r\n"+head+"\r\n", 4), reads: true},
	}
}

type slowKind struct {
	first string
	reads bool
}

// slowClients holds on to the server with so many clients of each kind, which come
// back when they are cut off, until it is stopped.
func (s *server) slowClients(each int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	address := strings.TrimPrefix(s.url, "http://")
	var group sync.WaitGroup
	for _, kind := range s.slowKinds() {
		for range each {
			group.Go(func() {
				for ctx.Err() == nil {
					kind.hold(ctx, address)
				}
			})
		}
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// hold is one connection, for as long as it lasts.
func (k slowKind) hold(ctx context.Context, address string) {
	tick := time.NewTicker(slowPace)
	defer tick.Stop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		_ = conn.(*net.TCPConn).SetReadBuffer(1)
		_, err = io.WriteString(conn, k.first)
	}
	for one := []byte{'x'}; err == nil; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if k.reads {
			_, err = conn.Read(one)
		} else {
			_, err = conn.Write(one)
		}
	}
	select { // not at once again: it is slow
	case <-tick.C:
	case <-ctx.Done():
	}
}
