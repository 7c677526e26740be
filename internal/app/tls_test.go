package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// TestServingTLS: HTTPS with HTTP/2, a certificate that is replaced while requests
// are served, and nothing for who speaks plainly.
func TestServingTLS(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	at := writeCertificate(t, dir, 1)
	secured, err := certificateOf(at, zap.NewNop())
	require.NoError(t, err)
	l, err := listen(ctx, "ROSTER_HTTP_ADDR", "127.0.0.1:0")
	require.NoError(t, err)
	p := &parts{log: zap.NewNop()}
	front{secured: secured, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	})}.serve(ctx, p, "HTTP", l)
	defer func() { require.NoError(t, p.stop(ctx)) }()

	ask := func() (string, int64) {
		pem, err := os.ReadFile(at.TLSCert)
		require.NoError(t, err)
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(pem))
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get("https://" + l.Addr().String())
		if err != nil {
			return err.Error(), 0
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body), answer.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	proto, serial := ask()
	require.Equal(t, "HTTP/2.0", proto)
	require.EqualValues(t, 1, serial)

	writeCertificate(t, dir, 2)
	require.Eventually(t, func() bool { _, serial := ask(); return serial == 2 }, 10*time.Second, 50*time.Millisecond)

	plain, err := http.Get("http://" + l.Addr().String())
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, plain.StatusCode)
	require.NoError(t, plain.Body.Close())

	_, err = tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	require.ErrorContains(t, err, "protocol version", "from the server")
}
