package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// checker turns text into values and collects what is wrong with it.
type checker struct {
	problems []string
	shown    []Shown
}

func (p *checker) problem(name, format string, args ...any) {
	p.problems = append(p.problems, name+" "+fmt.Sprintf(format, args...))
}

func (p *checker) err() error {
	if len(p.problems) == 0 {
		return nil
	}
	return &Error{Problems: p.problems}
}

func (p *checker) require(name, value, why string) {
	if value == "" {
		p.problem(name, "is required %s", why)
	}
}

func (p *checker) shared(f sharedFlags) Shared {
	return Shared{
		NATSURL:      p.natsURL("ROSTER_NATS_URL", f.NATSURL),
		DatabaseURL:  p.databaseURL("DATABASE_URL", f.DatabaseURL),
		MasterKey:    p.masterKey("ROSTER_MASTER_KEY", f.MasterKey),
		PreviousKey:  p.previousKey(f),
		KeyFiles:     keyFiles(f.MasterKey, f.PreviousKey),
		NATSPrefix:   p.prefix("ROSTER_NATS_PREFIX", f.NATSPrefix),
		NATSReplicas: p.replicas("ROSTER_NATS_REPLICAS", f.NATSReplicas),
		LogLevel:     p.level("ROSTER_LOG_LEVEL", f.LogLevel),
		KeepModels:   p.durationOrOff("ROSTER_KEEP_MODELS", f.KeepModels, time.Minute, longestLife),
		shown:        p.shown,
	}
}

func (p *checker) choice(name, value string, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		p.problem(name, "must be %s, not %q", strings.Join(allowed, " or "), value)
	}
	return value
}

func (p *checker) address(name, value string) string {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		p.problem(name, "must be host:port, such as 127.0.0.1:8080, not %q", value)
		return ""
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		p.problem(name, "must have a port from 0 to 65535, not %q", port)
	}
	return net.JoinHostPort(host, port)
}

func (p *checker) loopbackOrOff(name, value string) string {
	if value == "off" || value == "" {
		return ""
	}
	host, _, err := net.SplitHostPort(value)
	if err != nil {
		p.problem(name, "must be off or a loopback address such as 127.0.0.1:4222, not %q", value)
		return ""
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		p.problem(name, "must be a loopback address (127.0.0.1, ::1 or localhost), not %q", host)
		return ""
	}
	return p.address(name, value)
}

func (p *checker) directory(name, value string) string {
	dir, err := filepath.Abs(value)
	if err != nil || strings.ContainsRune(value, 0) {
		p.problem(name, "is no usable path: %q", value)
	}
	return dir
}

func (p *checker) dialects(name, value string) []string {
	if value == "all" {
		return Dialects()
	}
	var list []string
	for d := range strings.SplitSeq(value, ",") {
		d = strings.TrimSpace(d)
		switch {
		case !slices.Contains(Dialects(), d):
			p.problem(name, "knows %s, or all, not %q", strings.Join(Dialects(), ", "), d)
		case !slices.Contains(list, d):
			list = append(list, d)
		}
	}
	return list
}

func (p *checker) number(name, value string, least, most float64) float64 {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= least && n <= most) {
		p.problem(name, "must be a number from %g to %g, not %q", least, most, value)
	}
	return n
}

func (p *checker) whole(name, value string, least, most int64) int64 {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		p.problem(name, "must be a whole number from %d to %d, not %q", least, most, value)
	}
	return n
}

func (p *checker) replicas(name, value string) int {
	n, err := strconv.Atoi(value)
	if err != nil || !slices.Contains([]int{1, 3, 5}, n) {
		p.problem(name, "must be 1, 3 or 5, not %q", value)
	}
	return n
}

var prefixForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func (p *checker) prefix(name, value string) string {
	if value != "" && !prefixForm.MatchString(value) {
		p.problem(name, "must be lower-case letters, digits and hyphens, at most 32, not %q", value)
	}
	return value
}

func (p *checker) level(name, value string) zapcore.Level {
	p.choice(name, value, "debug", "info", "warn", "error")
	level, err := zapcore.ParseLevel(value)
	if err != nil {
		return zapcore.InfoLevel // already complained
	}
	return level
}

func (p *checker) natsURL(name, value string) string {
	if value == "" {
		return ""
	}
	for one := range strings.SplitSeq(value, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			p.problem(name, "must be nats://host:4222 (or tls, ws, wss), several separated by commas, not %q", redact(one))
		}
	}
	return value
}

func (p *checker) databaseURL(name, value string) string {
	if value == "" || strings.Contains(value, "host=") && !strings.Contains(value, "://") {
		return value // key=value form; the driver reads it
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		p.problem(name, "must be postgres://user:password@host:5432/database, not %q", redact(value))
	}
	return value
}

// masterKeyLength is what AES-256 takes.
const masterKeyLength = 32

func (p *checker) masterKey(name, value string) []byte {
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			p.problem(name, "names a file that can not be read: %v", err)
			return nil
		}
		value = string(text)
		if strings.TrimSpace(value) == "" {
			p.problem(name, "names an empty file: %s", path)
			return nil
		}
	}
	if value = strings.TrimSpace(value); value == "" {
		return nil
	}
	key, err := DecodeMasterKey(value)
	if err != nil {
		p.problem(name, "%v", err)
	}
	return key
}

// previousKey is of use beside a master key alone.
func (p *checker) previousKey(f sharedFlags) []byte {
	if f.PreviousKey != "" && f.MasterKey == "" {
		p.problem("ROSTER_MASTER_KEY_PREVIOUS", "is for a change of ROSTER_MASTER_KEY, which is not set")
	}
	return p.masterKey("ROSTER_MASTER_KEY_PREVIOUS", f.PreviousKey)
}

// keyFiles are those that settings of master keys name.
func keyFiles(values ...string) []string {
	var files []string
	for _, value := range values {
		if path, ok := strings.CutPrefix(value, "file:"); ok {
			files = append(files, path)
		}
	}
	return files
}

// DecodeMasterKey reads a master key's text. The error does not repeat it.
func DecodeMasterKey(text string) ([]byte, error) {
	if key, err := hex.DecodeString(text); err == nil && len(key) == masterKeyLength {
		return key, nil
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if key, err := base64.RawStdEncoding.DecodeString(plain); err == nil && len(key) == masterKeyLength {
		return key, nil
	}
	return nil, fmt.Errorf("must be %d bytes as base64 or hexadecimal; make one with: openssl rand -base64 32", masterKeyLength)
}

var passwordPair = regexp.MustCompile(`(?i)(password\s*=\s*)('[^']*'|\S+)`)

// redact hides passwords in addresses; what can not be read is hidden whole.
func redact(value string) string {
	parts := strings.Split(value, ",")
	for i, part := range parts {
		if !strings.Contains(part, "://") {
			parts[i] = passwordPair.ReplaceAllString(part, "${1}xxxxx")
			continue
		}
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil {
			parts[i] = "(unreadable)"
			continue
		}
		if u.User != nil {
			// A NATS token stands where a user name would.
			u.User = url.UserPassword("xxxxx", "xxxxx")
		}
		parts[i] = passwordPair.ReplaceAllString(u.String(), "${1}xxxxx")
	}
	return strings.Join(parts, ",")
}
