package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/rosterhq/roster/events"
	"github.com/rosterhq/roster/query"
)

// ActivityOf makes of an event, which must be opened, what its row in the feed is, or
// will be.
func ActivityOf(e events.Recorded) (query.Activity, error) {
	p, ok := e.Payload.(*events.ActivityRecorded)
	if !ok {
		return query.Activity{}, fmt.Errorf("%s is no activity: %s", e.Position(), e.Type)
	}
	metadata, err := metadataOf(p.Private.Metadata)
	if err != nil {
		return query.Activity{}, fmt.Errorf("read the metadata of %s: %w", e.Position(), err)
	}
	return query.Activity{
		Sequence: e.Sequence, UserID: p.User, Type: p.Type, Action: p.Action,
		EntityID: p.EntityID, EntityTitle: p.Private.EntityTitle, EntityURL: p.Private.EntityURL, EntityCreatedAt: p.EntityCreatedAt,
		ProjectID: p.ProjectID, ProjectName: p.Private.ProjectName, Workspace: p.Workspace,
		Count: p.Count, Assignee: p.Assignee, Due: p.Due, OccurredAt: p.OccurredAt, RecordedAt: e.Time,
		Source: e.Source, SourceID: p.SourceID, Metadata: metadata,
	}, nil
}

func metadataOf(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err //nolint:wrapcheck // the caller says what was read
	}
	stored(m)
	return m, nil
}

// stored writes numbers as the read model's jsonb keeps them, so that an activity
// looks the same live and later.
func stored(v any) any {
	switch t := v.(type) {
	case json.Number:
		return storedNumber(t)
	case map[string]any:
		for name, member := range t {
			t[name] = stored(member)
		}
	case []any:
		for i, member := range t {
			t[i] = stored(member)
		}
	}
	return v
}

// storedNumber takes the exponent out of a number: jsonb has none.
func storedNumber(n json.Number) json.Number {
	text := string(n)
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if !scientific {
		if strings.Trim(text, "-0.") == "" { // no sign on zero
			return json.Number(strings.TrimPrefix(text, "-"))
		}
		return n
	}
	value, ok := new(big.Rat).SetString(text)
	var shift int
	if _, err := fmt.Sscanf(exponent, "%d", &shift); !ok || err != nil {
		return n
	}
	_, fraction, _ := strings.Cut(mantissa, ".")
	out := value.FloatString(max(0, len(fraction)-shift))
	if value.Sign() == 0 {
		out = strings.TrimPrefix(out, "-")
	}
	return json.Number(out)
}
