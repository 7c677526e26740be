package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// TestRequestsHaveOneEnd: what a proxy in front might read otherwise than this server,
// and so take for two requests, is refused, and nothing behind it is answered.
func TestRequestsHaveOneEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	l, err := listen(ctx, "ROSTER_HTTP_ADDR", "127.0.0.1:0")
	require.NoError(t, err)
	p := &parts{log: zap.NewNop()}
	front{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}.serve(ctx, p, "HTTP", l)
	t.Cleanup(func() { require.NoError(t, p.stop(ctx)) })

	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"two lengths":              {"Content-Length: 3\r\nContent-Length: 4\r\n", http.StatusBadRequest},
		"lengths in one header":    {"Content-Length: 3, 4\r\n", http.StatusBadRequest},
		"a signed length":          {"Content-Length: +3\r\n", http.StatusBadRequest},
		"an unknown coding":        {"Transfer-Encoding: gzip, chunked\r\n", http.StatusNotImplemented},
		"two codings":              {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", http.StatusNotImplemented},
		"a blank before the colon": {"Transfer-Encoding : chunked\r\n", http.StatusBadRequest},
		"a blank before the name":  {" Transfer-Encoding: chunked\r\n", http.StatusBadRequest},
		"no name":                  {": x\r\n", http.StatusBadRequest},
		"a control character":      {"X: a\x00b\r\n", http.StatusBadRequest},
		"two hosts":                {"Host: b\r\n", http.StatusBadRequest},
		"too much":                 {"X: " + strings.Repeat("a", maxHeader+8<<10) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			go func() { _, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n%s", c.head, hidden) }() // it may be cut off
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, c.status, res.StatusCode)
			require.True(t, res.Close, "the connection ends")
			_, err = io.Copy(io.Discard, in)
			if err == nil {
				_, err = in.ReadByte()
				require.ErrorIs(t, err, io.EOF, "nothing else is answered")
			}
		})
	}
}
