package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/rosterhq/roster/api/gate"
)

// behindProxies believes X-Forwarded-For and X-Forwarded-Proto of trusted proxies,
// so that limits, logs and events have the client's address, and cookies its
// scheme. Anybody else's are not looked at. RFC 7239's Forwarded is not read.
func behindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, forwarded(r, trusted))
	})
}

func forwarded(r *http.Request, trusted []netip.Prefix) *http.Request {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(peer.Addr(), trusted) {
		return r
	}
	if strings.EqualFold(lastOf(r.Header.Values("X-Forwarded-Proto")), "https") {
		r = gate.WithTLS(r)
	}
	client := clientOf(peer.Addr(), r.Header.Values("X-Forwarded-For"), trusted)
	if client == peer.Addr() {
		return r
	}
	seen := *r
	seen.RemoteAddr = net.JoinHostPort(client.String(), "0")
	return &seen
}

// clientOf walks from the nearest proxy outwards and stops at the first address
// that no trusted proxy has: what stands before it is the client's own word.
func clientOf(peer netip.Addr, lines []string, trusted []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(lines, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !within(peer, trusted) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		peer = next.Unmap().WithZone("")
	}
	return peer
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	a = a.Unmap()
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// lastOf returns what the nearest proxy wrote.
func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}
