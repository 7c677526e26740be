package commands

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rosterhq/roster/events"
)

// names makes usernames from names that other systems use. Its random part is
// not a secret.
type names struct{ pick func(n int) int }

func newNames() names { return names{pick: rand.IntN} }

// normalise returns a valid username for a registration: the one wanted if it is
// valid; else its part before the last @ without the characters that may not be
// there; else a random one.
func (n names) normalise(c Register) string {
	s := c.Username
	if fromGitHub(c) {
		s = strings.ReplaceAll(s, "_", "-")
	}
	return n.valid(s)
}

// variant returns another username that reminds of a taken one.
func (n names) variant(taken string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	suffix := make([]byte, 6)
	for i := range suffix {
		suffix[i] = letters[n.pick(len(letters))]
	}
	return n.valid(taken + "-" + string(suffix))
}

func (n names) valid(s string) string {
	if validUsername(s) {
		return s
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = s[:at]
	}
	s = strings.Map(func(r rune) rune {
		if r == '-' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, s)
	if validUsername(s) {
		return s
	}
	return adjectives[n.pick(len(adjectives))] + "-" + surnames[n.pick(len(surnames))]
}

func fromGitHub(c Register) bool {
	return c.LoginType == events.LoginGitHub ||
		slices.ContainsFunc(c.Identities, func(id events.Identity) bool { return id.Provider == "github" })
}

var adjectives = []string{
	"able", "agile", "ample", "avid", "bold", "brave", "breezy", "bright", "calm", "candid", "clever", "cosmic",
	"curious", "daring", "deft", "eager", "earnest", "fair", "fleet", "fond", "gentle", "glad", "golden", "happy",
	"honest", "humble", "jolly", "keen", "kind", "lively", "loyal", "lucid", "merry", "mellow", "modest", "neat",
	"nimble", "noble", "patient", "placid", "plucky", "prompt", "quiet", "rapid", "ready", "serene", "sharp", "silent",
	"sincere", "smart", "steady", "sturdy", "subtle", "sunny", "swift", "tidy", "upbeat", "valiant", "vivid", "warm",
	"wise", "witty", "young", "zesty",
}

var surnames = []string{
	"allen", "archimedes", "babbage", "bardeen", "bartik", "bell", "bohr", "boyd", "carson", "curie", "darwin", "diffie",
	"dijkstra", "einstein", "elion", "engelbart", "euclid", "euler", "fermat", "fermi", "feynman", "franklin", "galileo", "gauss",
	"germain", "goldberg", "goodall", "hamilton", "hawking", "heisenberg", "hopper", "hypatia", "jackson", "jemison", "johnson", "kepler",
	"knuth", "lamarr", "lamport", "leakey", "liskov", "lovelace", "maxwell", "mayer", "mccarthy", "meitner", "mendel", "morse",
	"newton", "noether", "pascal", "pasteur", "perlman", "pike", "ritchie", "sammet", "shannon", "shirley", "tesla", "thompson",
	"torvalds", "turing", "wiles", "wozniak",
}
