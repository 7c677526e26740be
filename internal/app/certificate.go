package app

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/rosterhq/roster/internal/config"
)

// certificateAge is how long a certificate is used before its files are looked at
// again.
const certificateAge = time.Second

// certificate is what HTTPS is served with. Its files are replaced while the
// process runs: certificates live for weeks.
type certificate struct {
	cert, key string
	log       *zap.Logger

	mu     sync.Mutex
	looked time.Time
	files  [2]fileState
	loaded *tls.Certificate
}

// fileState tells one content of a file from the next.
type fileState struct {
	size     int64
	modified time.Time
}

// certificateOf returns nil where HTTP is plain.
func certificateOf(t config.Transport, log *zap.Logger) (*tls.Config, error) {
	if t.TLSCert == "" {
		return nil, nil
	}
	c := &certificate{cert: t.TLSCert, key: t.TLSKey, log: log.Named("tls")}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.newest(time.Now()), nil },
	}, nil
}

// newest returns the certificate in the files. One that can not be used (half
// written, not matching its key) leaves the one before it in place.
func (c *certificate) newest(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < certificateAge {
		return c.loaded
	}
	c.looked = now
	if files, err := c.state(); err == nil && files == c.files {
		return c.loaded
	}
	if err := c.load(); err != nil {
		c.log.Warn("the new certificate can not be used, the old one stays", zap.Error(err))
		return c.loaded
	}
	c.log.Info("certificate read again", zap.String("file", c.cert))
	return c.loaded
}

func (c *certificate) load() error {
	files, err := c.state()
	if err != nil {
		return fmt.Errorf("look at the certificate: %w", err)
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("load the certificate of ROSTER_TLS_CERT and ROSTER_TLS_KEY: %w", err)
	}
	c.files, c.loaded = files, &loaded
	return nil
}

func (c *certificate) state() (files [2]fileState, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return files, err
		}
		files[i] = fileState{info.Size(), info.ModTime()}
	}
	return files, nil
}
