package coder

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzPathOf: nobody is sent to another site, and what is kept is a whole cookie.
func FuzzPathOf(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/a?b=c", "//evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example//x", "javascript:alert(1)", "/%2f/evil.example",
		"http:evil.example", "/a;b,c\"d e", "?q", "#f", "/\t/evil.example", "/..//evil.example", "/é?ü=\xff",
		"/" + strings.Repeat("é", maxRedirect/3), "/" + strings.Repeat("a", maxRedirect),
	} {
		f.Add(seed)
	}
	base, err := url.Parse("https://roster.example/api/v2/users/oidc/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		path := pathOf(address)
		if address == "" {
			return
		}
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.HasPrefix(path, `/\`) {
			t.Fatalf("%q becomes %q", address, path)
		}
		to, err := base.Parse(path)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme {
			t.Fatalf("%q becomes %q: %v %v", address, path, to, err)
		}
		for i := range len(path) {
			if path[i] <= ' ' || path[i] > '~' {
				t.Fatalf("%q becomes %q", address, path)
			}
		}
		w := http.Header{}
		w.Add("Set-Cookie", (&http.Cookie{Name: redirectCookie, Value: path}).String())
		if kept := (&http.Response{Header: w}).Cookies(); len(kept) != 1 || kept[0].Value != path {
			t.Fatalf("%q is not kept: %v", path, kept)
		}
		if again := pathOf(path); again != path {
			t.Fatalf("%q becomes %q and then %q", address, path, again)
		}
	})
}
