package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// ErrNoLogin says that the server takes no logins by password.
var ErrNoLogin = errors.New("the server takes no logins by password here: its dialect for them is switched off")

// Login signs in and returns a session's token. The token of cfg is not used. No
// error repeats the password.
func Login(ctx context.Context, cfg Config, email, password string) (string, error) {
	cfg.Token, cfg.anonymous = "", true
	c, err := New(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.clean = cleaner(password)
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		return "", fmt.Errorf("encode login: %w", err)
	}
	var answer struct {
		Token string `json:"session_token"`
	}
	err = c.do(ctx, request{method: http.MethodPost, path: "/api/v2/users/login", contentType: "application/json", body: body}, &answer)
	if p, ok := errors.AsType[*Problem](err); ok {
		return "", refusedLogin(p)
	}
	if err != nil {
		return "", err
	}
	if checkToken(answer.Token) != nil {
		return "", fmt.Errorf("%s answered a login without a token: is it a Roster server?", c.base)
	}
	return answer.Token, nil
}

func refusedLogin(p *Problem) error {
	switch p.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return ErrNoLogin
	case http.StatusUnauthorized:
		return errors.New("the server does not accept e-mail and password")
	default:
		return p
	}
}
