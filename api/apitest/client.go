package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

// Password is strong enough for every dialect.
const Password = "correct horse battery staple 42"

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body into v.
func (a Answer) JSON(s *System, v any) {
	s.t.Helper()
	require.NoError(s.t, json.Unmarshal(a.Body, v), "%s", a.Body)
}

// Map decodes the body as an object.
func (a Answer) Map(s *System) map[string]any {
	s.t.Helper()
	var m map[string]any
	a.JSON(s, &m)
	return m
}

// Do sends a request and checks the answer against the dialect's document. The
// body may be nil, a string, bytes, a reader, or anything that becomes JSON;
// Content-Type is application/json unless the headers say otherwise.
func (s *System) Do(method, path string, headers map[string]string, body any) Answer {
	s.t.Helper()
	a, err := s.Try(method, path, headers, body)
	require.NoError(s.t, err)
	return a
}

// Try is Do for other goroutines than the test's own: it returns what is wrong.
func (s *System) Try(method, path string, headers map[string]string, body any) (Answer, error) {
	reader, err := bodyOf(body)
	if err != nil {
		return Answer{}, err
	}
	r, err := http.NewRequestWithContext(context.Background(), method, s.URL+path, reader)
	if err != nil {
		return Answer{}, fmt.Errorf("make request: %w", err)
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	a := Answer{Status: res.StatusCode, Header: res.Header, Body: raw}
	return a, s.contract.check(r, a)
}

func bodyOf(body any) (io.Reader, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return strings.NewReader(b), nil
	case []byte:
		return bytes.NewReader(b), nil
	case io.Reader:
		return b, nil
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("encode body: %w", err)
		}
		return bytes.NewReader(raw), nil
	}
}

// Session is somebody who is signed in.
type Session struct {
	*System
	ID       string
	Username string
	Email    string
	Token    string
}

// Do is System.Do with the session's token as bearer. Headers may replace it.
func (c *Session) Do(method, path string, headers map[string]string, body any) Answer {
	c.t.Helper()
	return c.System.Do(method, path, c.with(headers), body)
}

// Try is System.Try with the session's token.
func (c *Session) Try(method, path string, headers map[string]string, body any) (Answer, error) {
	return c.System.Try(method, path, c.with(headers), body)
}

func (c *Session) with(headers map[string]string) map[string]string {
	all := map[string]string{"Authorization": "Bearer " + c.Token}
	maps.Copy(all, headers)
	return all
}

// FirstUser makes the first user, an owner named "owner", and signs in.
func (s *System) FirstUser() *Session {
	s.t.Helper()
	a := s.Do(http.MethodPost, "/api/v2/users/first", nil, map[string]any{
		"email": "owner@example.com", "username": "owner", "password": Password,
	})
	require.Equal(s.t, http.StatusCreated, a.Status, "%s", a.Body)
	return s.Login("owner@example.com", Password)
}

// Login signs in.
func (s *System) Login(email, password string) *Session {
	s.t.Helper()
	a := s.Do(http.MethodPost, "/api/v2/users/login", nil, map[string]any{"email": email, "password": password})
	require.Equal(s.t, http.StatusCreated, a.Status, "%s", a.Body)
	c := &Session{System: s, Email: email, Token: a.Map(s)["session_token"].(string)}
	me := c.Do(http.MethodGet, "/v1/users/me", nil, nil)
	require.Equal(s.t, http.StatusOK, me.Status, "%s", me.Body)
	c.ID, c.Username = me.Map(s)["id"].(string), me.Map(s)["username"].(string)
	return c
}

// NewUser lets the session register a user named name and signs it in.
func (c *Session) NewUser(name string, roles ...string) *Session {
	c.t.Helper()
	body := map[string]any{"username": name, "email": name + "@example.com", "password": Password}
	if len(roles) > 0 {
		body["roles"] = roles
	}
	a := c.Do(http.MethodPost, "/v1/users", nil, body)
	require.Equal(c.t, http.StatusCreated, a.Status, "%s", a.Body)
	return c.Login(name+"@example.com", Password)
}
