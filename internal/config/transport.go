package config

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"strings"
)

// Transport are the settings of how requests reach the process.
type Transport struct {
	TLSCert, TLSKey string         // PEM files; "" means plain HTTP
	TrustedProxies  []netip.Prefix // whose word about the client counts
	CORSOrigins     []string       // as browsers send them; none by default
	MaxRequests     int            // worked at, at a time
	MaxConnections  int            // open, at a time
}

type transportFlags struct {
	TLSCert        string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain (PEM) to serve HTTPS with; read again when the file changes. Default: plain HTTP."`
	TLSKey         string `name:"tls-key" placeholder:"FILE" help:"Private key (PEM) of the certificate."`
	TrustedProxies string `name:"trusted-proxies" placeholder:"LIST" help:"Addresses or networks of proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed. Default: none."`
	CORSOrigins    string `name:"cors-origins" placeholder:"LIST" help:"Origins, separated by commas, whose pages may call with a token of their own, such as https://app.example.com. Default: none."`
	MaxRequests    string `name:"max-requests" default:"1024" placeholder:"1024" help:"Requests that are worked at, at a time. As many wait for a second; the rest is refused with 503."`
	MaxConnections string `name:"max-connections" default:"12288" placeholder:"16384" help:"Connections that are open, at a time. A new one then takes the place of the one that has kept the server waiting for the longest."`
}

func (p *checker) transport(f transportFlags) Transport {
	t := Transport{
		TLSCert: f.TLSCert, TLSKey: f.TLSKey,
		TrustedProxies: p.networks("ROSTER_TRUSTED_PROXIES", f.TrustedProxies),
		CORSOrigins:    p.origins("ROSTER_CORS_ORIGINS", f.CORSOrigins),
		MaxRequests:    int(p.whole("ROSTER_MAX_REQUESTS", f.MaxRequests, 1, 1_000_000)),
		MaxConnections: int(p.whole("ROSTER_MAX_CONNECTIONS", f.MaxConnections, 1, 1_000_000)),
	}
	switch {
	case t.TLSCert == "" && t.TLSKey == "":
	case t.TLSCert == "":
		p.problem("ROSTER_TLS_CERT", "is required with ROSTER_TLS_KEY")
	case t.TLSKey == "":
		p.problem("ROSTER_TLS_KEY", "is required with ROSTER_TLS_CERT")
	default:
		if _, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey); err != nil {
			p.problem("ROSTER_TLS_CERT", "and ROSTER_TLS_KEY can not be used: %v", err)
		}
	}
	return t
}

func (p *checker) networks(name, value string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range listed(value) {
		if n, err := netip.ParsePrefix(text); err == nil {
			list = append(list, n.Masked())
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			p.problem(name, "must be addresses or networks such as 10.0.0.0/8, not %q", text)
			continue
		}
		list = append(list, netip.PrefixFrom(a, a.BitLen()))
	}
	return list
}

func (p *checker) origins(name, value string) []string {
	var list []string
	for _, text := range listed(value) {
		u, err := url.Parse(text)
		web := err == nil && (u.Scheme == "https" || u.Scheme == "http")
		if !web || u.Host == "" || u.Scheme+"://"+u.Host != text || strings.Contains(text, "*") {
			p.problem(name, "must be origins such as https://app.example.com, without a path, not %q", text)
			continue
		}
		list = append(list, strings.ToLower(text))
	}
	return list
}
