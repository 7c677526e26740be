package runtime

import (
	"github.com/ThreeDotsLabs/watermill"
	"go.uber.org/zap"
)

// logger lets Watermill log through zap, a level quieter: what it calls an error
// is a Nack most of the time, and the worker logs that with its reason. Its trace
// is dropped, it would be several lines an event.
type logger struct{ log *zap.Logger }

func newLogger(l *zap.Logger) *logger { return &logger{log: l.Named("watermill")} }

// Error implements watermill.LoggerAdapter.
func (l *logger) Error(msg string, err error, fields watermill.LogFields) {
	l.log.Debug(msg, append(zapFields(fields), zap.Error(err))...)
}

// Info implements watermill.LoggerAdapter.
func (l *logger) Info(msg string, fields watermill.LogFields) { l.log.Debug(msg, zapFields(fields)...) }

// Debug implements watermill.LoggerAdapter.
func (l *logger) Debug(string, watermill.LogFields) {}

// Trace implements watermill.LoggerAdapter.
func (l *logger) Trace(string, watermill.LogFields) {}

// With implements watermill.LoggerAdapter.
func (l *logger) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return &logger{log: l.log.With(zapFields(fields)...)}
}

func zapFields(fields watermill.LogFields) []zap.Field {
	out := make([]zap.Field, 0, len(fields)+1)
	for name, value := range fields {
		out = append(out, zap.Any(name, value))
	}
	return out
}
