package reads_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"
)

// row is what the bare handler reads and answers.
type row struct {
	ID        string    `json:"id"`
	Number    int64     `json:"number"`
	Username  string    `json:"username"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	FirstName string    `json:"firstName"`
	LastName  string    `json:"lastName"`
	Avatar    string    `json:"avatar"`
	Language  string    `json:"language"`
	LoginType string    `json:"loginType"`
	Status    string    `json:"status"`
	Confirmed bool      `json:"confirmed"`
	Roles     []string  `json:"roles"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// queryHandler is the least that a read from PostgreSQL can be: one prepared
// query, a struct, JSON.
func queryHandler(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var u row
		err := pool.QueryRow(r.Context(), limitQuery, mux.Vars(r)["user"]).Scan(
			&u.ID, &u.Number, &u.Username, &u.Email, &u.Name, &u.FirstName, &u.LastName, &u.Avatar, &u.Language,
			&u.LoginType, &u.Status, &u.Confirmed, &u.Roles, &u.CreatedAt, &u.UpdatedAt,
		)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		raw, _ := json.Marshal(u)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	}
}

func listen(h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "limits at http://%s\n", l.Addr())
	return (&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
}
