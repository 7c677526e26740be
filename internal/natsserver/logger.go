package natsserver

import (
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// logger passes the server's messages on. Its notices are details here, and its
// fatal errors are returned by Start instead of ending the process.
type logger struct {
	log *zap.SugaredLogger

	mu    sync.Mutex
	last  string
	fatal bool
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debugf(format, v...) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Warnf(format, v...) }
func (l *logger) Debugf(format string, v ...any)  { l.log.Debugf(format, v...) }
func (l *logger) Tracef(format string, v ...any)  { l.log.Debugf(format, v...) }

func (l *logger) Errorf(format string, v ...any) {
	l.keep(format, v...)
	l.log.Errorf(format, v...)
}

func (l *logger) Fatalf(format string, v ...any) {
	l.keep(format, v...)
	l.mu.Lock()
	l.fatal = true
	l.mu.Unlock()
	l.log.Errorf(format, v...)
}

func (l *logger) keep(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = fmt.Sprintf(format, v...)
}

// worst returns the last error, for the message of a failed start.
func (l *logger) worst() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return "no reason given"
	}
	return l.last
}

// hasFailed says whether the server gave up.
func (l *logger) hasFailed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
