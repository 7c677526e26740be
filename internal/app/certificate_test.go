package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
)

// writeCertificate makes a certificate for localhost with a serial number that
// tells it from others.
func writeCertificate(t *testing.T, dir string, serial int64) config.Transport {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	at := config.Transport{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	require.NoError(t, os.WriteFile(at.TLSCert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(at.TLSKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	later := time.Now().Add(time.Duration(serial) * time.Second) // file systems tell times coarsely
	require.NoError(t, os.Chtimes(at.TLSCert, later, later))
	return at
}

func serialOf(t *testing.T, c *tls.Certificate) int64 {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	require.NoError(t, err)
	return leaf.SerialNumber.Int64()
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	at := writeCertificate(t, dir, 1)
	c := &certificate{cert: at.TLSCert, key: at.TLSKey, log: zap.NewNop()}
	require.NoError(t, c.load())
	require.EqualValues(t, 1, serialOf(t, c.newest(now)))

	writeCertificate(t, dir, 2)
	require.EqualValues(t, 1, serialOf(t, c.newest(now.Add(certificateAge/2))), "not looked at yet")
	require.EqualValues(t, 2, serialOf(t, c.newest(now.Add(2*certificateAge))))

	require.NoError(t, os.WriteFile(at.TLSCert, []byte("half written"), 0o600))
	require.EqualValues(t, 2, serialOf(t, c.newest(now.Add(4*certificateAge))), "the old one stays")
	require.NoError(t, os.Remove(at.TLSKey))
	require.EqualValues(t, 2, serialOf(t, c.newest(now.Add(6*certificateAge))))
	writeCertificate(t, dir, 3)
	require.EqualValues(t, 3, serialOf(t, c.newest(now.Add(8*certificateAge))))
}

func TestNoCertificate(t *testing.T) {
	t.Parallel()
	secured, err := certificateOf(config.Transport{}, zap.NewNop())
	require.NoError(t, err)
	require.Nil(t, secured)
	_, err = certificateOf(config.Transport{TLSCert: "/nowhere", TLSKey: "/nowhere"}, zap.NewNop())
	require.Error(t, err)
}
