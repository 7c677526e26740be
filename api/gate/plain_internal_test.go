package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlainObjects(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprintf(`"m%d":%d`, i, i)
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	for body, plain := range map[string]bool{
		`{}`:     true,
		" { }\n": true,
		`{"username":"ada","email":"ada@example.com","age":1e9,"ok":true,"none":null}`: true,
		`{"a":"{[,:}]","b":""}`: true,
		many(plainMembers):      true,
		many(plainMembers + 1):  false,
		`{"a":1,"a":2}`:         false,
		`{"a":{"b":1}}`:         false,
		`{"a":[]}`:              false,
		`{"a":"\u0000"}`:        false,
		`{"a":"x\"y"}`:          false,
		`{"a":1}{}`:             false,
		`{"a":1,}`:              false,
		`["a"]`:                 false,
		`"a"`:                   false,
		`1`:                     false,
		"":                      false,
		"{\"a\":\"\x00\"}":      false,
	} {
		require.Equal(t, plain, plainObject([]byte(body)), body)
	}
}

// FuzzPlainObject: what is taken for plain has nothing wrong for the thorough check.
func FuzzPlainObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":"}"}`, `{"a":1,"a":2}`, `{"a":"b" , "c" : null }`, `{"":""}`, "{", `{"a":1}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !plainObject(raw) {
			return
		}
		if err := checkClosely(raw); err != nil {
			t.Fatalf("taken for plain: %q: %v", raw, err)
		}
	})
}

func BenchmarkCheckJSON(b *testing.B) {
	for name, body := range map[string]string{
		"plain":  `{"username":"user-12345","email":"user-12345@example.com","name":"User 12345"}`,
		"nested": `{"username":"user-12345","email":"user-12345@example.com","roles":[]}`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := CheckJSON([]byte(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
