package importer

import (
	"strconv"
	"strings"
)

const maxUsername = 32

// username makes a valid name of a login by the rule for names from elsewhere:
// as it is when it is valid; else what stands before the last "@", without all
// characters that no username has; else a random name.
func username(login string, random func(int) int) string {
	if validUsername(login) {
		return login
	}
	if at := strings.LastIndexByte(login, '@'); at >= 0 {
		login = login[:at]
	}
	login = strings.Map(func(r rune) rune {
		if r < 0x80 && (alphanumeric(byte(r)) || r == '-') {
			return r
		}
		return -1
	}, login)
	if validUsername(login) {
		return login
	}
	return adjectives()[random(len(adjectives()))] + "-" + surnames()[random(len(surnames()))] + strconv.Itoa(random(10_000))
}

// alternative is another name for a taken one.
func alternative(name string, random func(int) int) string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	var suffix [6]byte
	for i := range suffix {
		suffix[i] = letters[random(len(letters))]
	}
	return username(name+"-"+string(suffix[:]), random)
}

// validUsername says whether groups of letters and digits are joined by single
// hyphens, in 1 to 32 bytes. Two words are reserved for paths.
func validUsername(name string) bool {
	if name == "" || len(name) > maxUsername || name == "new" || name == "create" {
		return false
	}
	joined := true // by a hyphen, or at the beginning
	for i := range len(name) {
		switch {
		case alphanumeric(name[i]):
			joined = false
		case name[i] == '-' && !joined:
			joined = true
		default:
			return false
		}
	}
	return !joined
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func adjectives() []string {
	return []string{
		"amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosy", "daring",
		"deft", "eager", "early", "fair", "fine", "fleet", "fond", "frank", "free", "fresh",
		"gentle", "glad", "golden", "good", "grand", "green", "happy", "hardy", "humble", "jolly",
		"keen", "kind", "late", "light", "lively", "loyal", "lucky", "merry", "mild", "modest",
		"neat", "nimble", "noble", "plain", "polite", "proud", "quick", "quiet", "ready", "rosy",
		"sharp", "silent", "silver", "smart", "solid", "steady", "sunny", "swift", "tidy", "warm",
	}
}

func surnames() []string {
	return []string{
		"babbage", "banneker", "bell", "bohr", "boole", "borg", "cannon", "carson", "cerf", "chandra",
		"curie", "darwin", "diffie", "dijkstra", "easley", "einstein", "euclid", "euler", "faraday", "fermat",
		"franklin", "galileo", "gauss", "germain", "goldberg", "goodall", "hamilton", "hawking", "hellman", "hermann",
		"hertz", "hodgkin", "hopper", "hypatia", "jang", "jennings", "johnson", "kepler", "knuth", "lamarr",
		"liskov", "lovelace", "maxwell", "meitner", "mendel", "moore", "morse", "newton", "nobel", "noether",
		"pascal", "perlman", "raman", "ride", "ritchie", "shannon", "tesla", "thompson", "turing", "wilson",
	}
}
