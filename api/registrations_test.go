package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rosterhq/roster/api/apitest"
	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/internal/mail"
)

// unread takes mail that nobody looks at.
type unread struct{}

func (unread) Send(context.Context, mail.Message) error { return nil }

// TestRegistrationsAtOnceThroughThreeDialects: 200 people at once, in three ways, get
// 200 integer ids, and PM415's organizations theirs.
func TestRegistrationsAtOnceThroughThreeDialects(t *testing.T) {
	t.Parallel()
	const people = 200
	s := apitest.New(t, apitest.WithMail(unread{}), apitest.WithSettings(func(s *gate.Settings) { s.SignUp = true }))
	owner := s.FirstUser()
	organization := s.Commands.DefaultOrganization()
	ways := []func(name string) (apitest.Answer, error){
		func(name string) (apitest.Answer, error) {
			return owner.Try("POST", "/api/v2/users", nil, object{
				"email": name + "@example.com", "username": name, "password": apitest.Password, "organization_ids": []any{organization},
			})
		},
		func(name string) (apitest.Answer, error) {
			return s.Try("POST", "/api/account/register", nil, object{
				"email": name + "@example.com", "password": "1111", "confirmation": "1111", "firstName": "A", "lastName": "B",
				"tosAccepted": "Y", "organization": name,
			})
		},
		func(name string) (apitest.Answer, error) {
			return s.Try("POST", "/api/v3/users/register", nil, object{
				"email": name + "@example.com", "username": name, "password": apitest.Password,
			})
		},
	}
	answers, errs := make([]apitest.Answer, people), make([]error, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() { answers[i], errs[i] = ways[i%len(ways)](fmt.Sprint("user-", i)) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))

	var numbers []int64
	for i, a := range answers {
		require.Less(t, a.Status, 300, "%s", a.Body)
		body := a.Map(s)
		switch i % len(ways) {
		case 0: // Coder shows the UUID alone
			seen := owner.Do("GET", "/v1/users/"+body["id"].(string), nil, nil)
			require.Equal(t, http.StatusOK, seen.Status)
			numbers = append(numbers, int64(seen.Map(s)["number"].(float64)))
		case 1:
			numbers = append(numbers, int64(body["userId"].(float64)))
		case 2:
			numbers = append(numbers, int64(body["id"].(float64)))
		}
	}
	slices.Sort(numbers)
	require.Len(t, slices.Compact(slices.Clone(numbers)), people, "each has a number of its own: %v", numbers)
	require.EqualValues(t, 2, numbers[0], "1 is the owner's")
	require.EqualValues(t, people+1, numbers[people-1], "none is left out while the process runs")

	var places []int64
	for i := 1; i < people; i += len(ways) {
		o, err := s.Commands.FindOrganization(context.Background(), fmt.Sprint("user-", i))
		require.NoError(t, err)
		places = append(places, o.Number)
	}
	slices.Sort(places)
	require.Len(t, slices.Compact(slices.Clone(places)), len(places))
	require.EqualValues(t, len(places)+1, places[len(places)-1], "1 is the default one's")
}
