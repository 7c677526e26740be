// Package apitest runs the whole system for tests of handlers: embedded NATS,
// PostgreSQL, commands, projections, queries and the HTTP surface, and checks
// every answer against the OpenAPI document of its dialect.
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
//	s := apitest.New(t)
//	owner := s.FirstUser()
//	res := owner.Do("GET", "/v1/users/me", nil, nil)
//
// An answer in a form that the document does not know fails the test.
package apitest
