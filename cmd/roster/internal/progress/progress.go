// Package progress shows how far a long command is: a bar on a terminal, a
// plain line now and then elsewhere.
package progress

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
)

// State is how far the work is.
type State struct {
	Items  int   // dealt with
	Offset int64 // of Total, in whatever unit that is
}

// Reporter shows progress. It is not safe for concurrent use.
type Reporter interface {
	Update(s State)
	// Finish leaves the place clean for what is printed next.
	Finish()
}

// Config says what is reported where.
type Config struct {
	Out   io.Writer
	Total int64
	What  string // plural name of the items
	Now   func() time.Time
}

// NewBar returns a bar with rate and remaining time, for terminals. It takes
// its place away at the end.
func NewBar(c Config) Reporter {
	return &bar{
		cfg:     c,
		started: c.Now(),
		bar: progressbar.NewOptions64(c.Total,
			progressbar.OptionSetWriter(c.Out),
			progressbar.OptionSetDescription(c.What),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetElapsedTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionUseANSICodes(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30),
		),
	}
}

type bar struct {
	cfg     Config
	started time.Time
	bar     *progressbar.ProgressBar
}

func (b *bar) Update(s State) {
	b.bar.Describe(fmt.Sprintf("%s %s, %s/s", thousands(s.Items), b.cfg.What, thousands(rate(s.Items, b.cfg.Now().Sub(b.started)))))
	_ = b.bar.Set64(min(s.Offset, b.cfg.Total)) // a bar that can not be drawn stops nothing
}

func (b *bar) Finish() { _ = b.bar.Finish() }

// lineEvery is the time between two plain lines.
const lineEvery = 2 * time.Second

// NewLines returns plain lines, for log files and pipes.
func NewLines(c Config) Reporter {
	now := c.Now()
	return &lines{cfg: c, started: now, last: now}
}

type lines struct {
	cfg           Config
	started, last time.Time
}

func (l *lines) Update(s State) {
	now := l.cfg.Now()
	if now.Sub(l.last) < lineEvery {
		return
	}
	l.last = now
	elapsed := now.Sub(l.started)
	text := fmt.Sprintf("%s %s, %s/s", thousands(s.Items), l.cfg.What, thousands(rate(s.Items, elapsed)))
	if s.Offset > 0 && l.cfg.Total > 0 {
		done := min(1, float64(s.Offset)/float64(l.cfg.Total))
		left := time.Duration(float64(elapsed) * (1 - done) / done).Round(time.Second)
		text += fmt.Sprintf(", %d %% read, about %s left", int(done*100), left)
	}
	_, _ = fmt.Fprintln(l.cfg.Out, text)
}

func (l *lines) Finish() {}

func rate(items int, elapsed time.Duration) int {
	if elapsed <= 0 {
		return 0
	}
	return int(float64(items) / elapsed.Seconds())
}

// thousands writes a number the way people read it: 1,234,567.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
