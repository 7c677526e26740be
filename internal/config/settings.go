package config

import (
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// API are the checked settings of cmd/api.
type API struct {
	Shared
	Accounts
	Transport
	Checkpoints        Checkpoints
	HTTPAddr           string
	DebugAddr          string // "" means off
	DataDir            string
	SignUp             bool
	RateLimits         bool
	Dialects           []string
	PasswordMinEntropy float64
	NumbersFrom        int64 // the first number that users get here
	SyncAlways         bool
	EmbedProjectors    bool
	NATSListen         string // "" means off
	CacheMiB           float64
	OIDC               *OIDC   // nil: nobody signs in by OpenID Connect
	GitHub             *GitHub // nil: nobody signs in by GitHub
	Mail               Mail
}

// Projector are the checked settings of cmd/projector.
type Projector struct {
	Shared
	HTTPAddr  string // "" means off
	DebugAddr string // "" means off
}

// Shared are the settings that both processes have.
type Shared struct {
	NATSURL      string   // "" means embedded
	DatabaseURL  string   // "" means private
	MasterKey    []byte   // nil: kept in the data directory
	PreviousKey  []byte   // the master key before it, while some keys may still be wrapped under that; nil: none
	KeyFiles     []string // that the two were read from
	NATSPrefix   string
	NATSReplicas int
	LogLevel     zapcore.Level
	KeepModels   time.Duration // that versions and copies of read models are kept when others serve; 0: not at all

	shown []Shown
}

// Shown is a setting as it may be shown to anybody.
type Shown struct{ Name, Value string }

// Shown lists the settings with their values, secrets left out.
func (s Shared) Shown() []Shown { return s.shown }

// sharedFlags, apiFlags and projectorFlags are what kong reads. They are all
// text, so that one wrong value does not hide the next.
type sharedFlags struct {
	NATSURL      string `name:"nats-url" placeholder:"URL" help:"NATS server or cluster with JetStream, 2.12 or newer. Default: a server inside this process."`
	DatabaseURL  string `name:"database-url" placeholder:"URL" help:"PostgreSQL server, 14 or newer. Default: a private one, run from the programs on this machine."`
	MasterKey    string `name:"master-key" placeholder:"KEY" help:"Wraps all data keys: 32 bytes as base64 or hexadecimal, or file:PATH. Default with the embedded NATS: made in the data directory."`
	PreviousKey  string `name:"master-key-previous" placeholder:"KEY" help:"The master key before this one, as long as 'roster keys rotate' has not come to its end with this one."`
	NATSPrefix   string `name:"nats-prefix" placeholder:"NAME" help:"Prefix of streams and subjects, so that installations can share a cluster. Lower-case letters, digits, hyphens."`
	NATSReplicas string `name:"nats-replicas" default:"1" placeholder:"1" help:"Replicas of each stream: 1, 3 or 5."`
	LogLevel     string `name:"log-level" default:"info" placeholder:"info" help:"debug, info, warn or error."`
	KeepModels   string `name:"keep-models" default:"7d" placeholder:"7d" help:"For how long read models of an earlier release, or from before a rebuild, are kept to go back to. off: not at all."`
}

type apiFlags struct {
	HTTPAddr           string `name:"http-addr" default:"127.0.0.1:8080" placeholder:"127.0.0.1:8080" help:"Where HTTP listens; port 0 takes a free one."`
	DataDir            string `name:"data-dir" default:"${data_dir}" placeholder:"${data_dir}" help:"What the embedded parts keep. One process at a time."`
	SignUp             string `name:"signup" default:"off" placeholder:"off" help:"on: anybody may register, in dialects that have a registration."`
	RateLimits         string `name:"rate-limits" default:"on" placeholder:"on" help:"off: no rate limits on logins and other costly calls."`
	Dialects           string `name:"dialects" default:"all" placeholder:"all" help:"Dialects that are served, by name, separated by commas: ${dialects}."`
	PasswordMinEntropy string `name:"password-min-entropy" default:"0" placeholder:"0" help:"Bits of entropy that a new password must have in every dialect, 0 to 128. 0: the rule of each dialect alone."`
	NumbersFrom        string `name:"numbers-from" default:"1" placeholder:"1" help:"The first number (integer id) that users get here, 1 to 2000000000. Those below are kept for users who are imported with theirs."`
	Sync               string `name:"sync" default:"always" placeholder:"always" help:"Embedded NATS. always: a write is on disk before its answer. interval: within a second after it."`
	NATSListen         string `name:"nats-listen" default:"off" placeholder:"off" help:"Embedded NATS: a loopback address to listen on, such as 127.0.0.1:4222, with generated credentials."`
	Projectors         string `name:"projectors" default:"embedded" placeholder:"embedded" help:"off: cmd/projector runs them."`
	DebugAddr          string `name:"debug-addr" default:"off" placeholder:"off" help:"A loopback address for profiles (pprof)."`
	CacheSize          string `name:"cache-size" default:"64" placeholder:"64" help:"MiB of memory for users, preferences and keys that are read often, 0 to 65536. 0: every read asks PostgreSQL."`
	accountFlags
	transportFlags
	signInFlags
	checkpointFlags
	sharedFlags
}

type projectorFlags struct {
	HTTPAddr  string `name:"http-addr" default:"off" placeholder:"off" help:"Where /healthz, /readyz and /metrics are served."`
	DebugAddr string `name:"debug-addr" default:"off" placeholder:"off" help:"A loopback address for profiles (pprof)."`
	sharedFlags
}

// Dialects that can be switched on. The own API, /v1, is always there.
func Dialects() []string { return []string{"codimir", "coder", "abf", "runwhen", "pm415"} }

// ReadAPI reads the settings of cmd/api.
func ReadAPI(in Input) (API, error) {
	var f apiFlags
	in.vars = map[string]string{"data_dir": DefaultDataDir(in.Root, in.Lookup), "dialects": strings.Join(Dialects(), ", ")}
	p, err := parse(in, &f, "Roster: users as a log of facts, served over HTTP. With nothing configured it is the whole system.")
	if err != nil {
		return API{}, err
	}
	c := API{
		Shared:             p.shared(f.sharedFlags),
		Accounts:           p.accounts(f.accountFlags),
		Transport:          p.transport(f.transportFlags),
		Checkpoints:        p.checkpoints(f.checkpointFlags),
		HTTPAddr:           p.address("ROSTER_HTTP_ADDR", f.HTTPAddr),
		DebugAddr:          p.loopbackOrOff("ROSTER_DEBUG_ADDR", f.DebugAddr),
		DataDir:            p.directory("ROSTER_DATA_DIR", f.DataDir),
		SignUp:             p.choice("ROSTER_SIGNUP", f.SignUp, "off", "on") == "on",
		RateLimits:         p.choice("ROSTER_RATE_LIMITS", f.RateLimits, "on", "off") == "on",
		Dialects:           p.dialects("ROSTER_DIALECTS", f.Dialects),
		PasswordMinEntropy: p.number("ROSTER_PASSWORD_MIN_ENTROPY", f.PasswordMinEntropy, 0, 128),
		NumbersFrom:        p.whole("ROSTER_NUMBERS_FROM", f.NumbersFrom, 1, 2_000_000_000),
		SyncAlways:         p.choice("ROSTER_SYNC", f.Sync, "always", "interval") == "always",
		EmbedProjectors:    p.choice("ROSTER_PROJECTORS", f.Projectors, "embedded", "off") == "embedded",
		NATSListen:         p.loopbackOrOff("ROSTER_NATS_LISTEN", f.NATSListen),
		CacheMiB:           p.number("ROSTER_CACHE_SIZE", f.CacheSize, 0, 1<<16),
		OIDC:               p.oidc(f.signInFlags),
		GitHub:             p.github(f.signInFlags),
		Mail:               p.mail(f.signInFlags),
	}
	if c.NATSURL != "" {
		p.require("ROSTER_MASTER_KEY", f.MasterKey, "when ROSTER_NATS_URL is set: all processes of an installation share it")
		if c.NATSListen != "" {
			p.problem("ROSTER_NATS_LISTEN", "is for the embedded NATS, but ROSTER_NATS_URL is set")
		}
	} else if c.NATSReplicas > 1 {
		p.problem("ROSTER_NATS_REPLICAS", "must be 1 with the embedded NATS; replicas need a cluster (ROSTER_NATS_URL)")
	}
	return c, p.err()
}

// ReadProjector reads the settings of cmd/projector.
func ReadProjector(in Input) (Projector, error) {
	var f projectorFlags
	p, err := parse(in, &f, "Roster's projectors: they build the read models in PostgreSQL from the log in NATS.")
	if err != nil {
		return Projector{}, err
	}
	c := Projector{
		Shared:    p.shared(f.sharedFlags),
		DebugAddr: p.loopbackOrOff("ROSTER_DEBUG_ADDR", f.DebugAddr),
	}
	if f.HTTPAddr != "off" {
		c.HTTPAddr = p.address("ROSTER_HTTP_ADDR", f.HTTPAddr)
	}
	p.require("ROSTER_NATS_URL", f.NATSURL, "by the projector, which embeds nothing")
	p.require("DATABASE_URL", f.DatabaseURL, "by the projector, which embeds nothing")
	p.require("ROSTER_MASTER_KEY", f.MasterKey, "to open what the log holds")
	return c, p.err()
}
