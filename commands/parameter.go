package commands

import (
	"context"

	"github.com/rosterhq/roster/events"
)

// Limits of a template's parameter, in characters.
const (
	maxParameterName  = 128
	maxParameterValue = 8192
)

// recordParameter is a checked RecordParameter.
type recordParameter struct{ RecordParameter }

func (recordParameter) actions(facts) []Action     { return []Action{RecordParameters} }
func (recordParameter) claims(User) []events.Claim { return nil }

// decideParameter records the same value again: how many templates there are is
// not the state's to remember, and each choice is a fact.
func decideParameter(c recordParameter) (decision, *Error) {
	return decided(&events.UserParameterRecorded{
		Sealed:     events.Seal(events.UserParameterPrivate{Value: c.Value}),
		TemplateID: c.TemplateID, Name: c.Name,
	})
}

// RecordParameter records the value that a user chose for a template's parameter.
// The latest of each name is offered again.
func (s *Service) RecordParameter(ctx context.Context, r Request, c RecordParameter) (Result, error) {
	var p problems
	id, ok := canonicalID(c.TemplateID)
	if !ok {
		p.add("templateId", "format", "must be a UUID")
	}
	c.TemplateID = id
	p.token("name", c.Name, maxParameterName)
	p.text("value", c.Value, maxParameterValue)
	return s.checked(ctx, r, c.UserID, recordParameter{c}, &p)
}
