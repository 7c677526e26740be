package config

import (
	"strings"
	"time"

	"github.com/rosterhq/roster/evidence"
)

// Checkpoints say whether and how the log is signed.
type Checkpoints struct {
	Key      *evidence.Key // nil: it is not
	Former   []string      // public keys that signed before this one
	Interval time.Duration
}

type checkpointFlags struct {
	CheckpointKey        string `name:"checkpoint-key" placeholder:"KEY" help:"Signs checkpoints of the log; from roster checkpoints make-key, or file:PATH. Default: none are made."`
	CheckpointFormerKeys string `name:"checkpoint-former-keys" placeholder:"KEYS" help:"Public keys that signed checkpoints of this installation before, separated by commas."`
	CheckpointInterval   string `name:"checkpoint-interval" default:"5m" placeholder:"5m" help:"How often a checkpoint is made of what is new."`
}

const (
	shortestCheckpoint = time.Second
	longestCheckpoint  = 30 * 24 * time.Hour
)

func (p *checker) checkpoints(f checkpointFlags) Checkpoints {
	c := Checkpoints{Interval: p.duration("ROSTER_CHECKPOINT_INTERVAL", f.CheckpointInterval, shortestCheckpoint, longestCheckpoint)}
	for text := range strings.SplitSeq(f.CheckpointFormerKeys, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if _, err := evidence.Verifiers(text); err != nil {
			p.problem("ROSTER_CHECKPOINT_FORMER_KEYS", "must be public keys, name+hash+key each: %v", err)
			continue
		}
		c.Former = append(c.Former, text)
	}
	secret := p.secret("ROSTER_CHECKPOINT_KEY", f.CheckpointKey)
	if secret == "" {
		return c
	}
	var err error
	if c.Key, err = evidence.ParseKey(secret); err != nil {
		p.problem("ROSTER_CHECKPOINT_KEY", "%v", err)
	}
	return c
}
