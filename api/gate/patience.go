package gate

import (
	"net/http"
	"time"
)

// Patience gives a client so long, from now on, to send its body and to take
// the answer. The server gives every request some; a handler that streams
// renews it as it goes on.
func Patience(w http.ResponseWriter, d time.Duration) {
	c := http.NewResponseController(w)
	end := time.Now().Add(d)
	_ = c.SetReadDeadline(end) // writers of tests have no deadlines
	_ = c.SetWriteDeadline(end.Add(d))
}
