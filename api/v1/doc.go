// Package v1 is Roster's own API. It translates HTTP to commands and queries and
// back; rules and rights are theirs.
//
// What is promised: every answer but 2xx is application/problem+json with a
// fixed code; a refused request has changed nothing, except where the problem
// of POST /v1/activities says what was kept; members that a body should not
// have are named. openapi.yaml is the whole truth about forms, and every test
// checks answers against it.
package v1

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
