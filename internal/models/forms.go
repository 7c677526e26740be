package models

import (
	"strings"

	"github.com/rosterhq/roster/api/gate"
	"github.com/rosterhq/roster/projections/runtime"
)

func modelOf(o runtime.Overview) gate.ReadModel {
	state, _, _ := strings.Cut(string(o.State), ":")
	m := gate.ReadModel{
		Name: o.Name, Version: o.Version, Stream: o.Stream, Position: o.Checkpoint, Head: o.Head, Lag: o.Lag, Parked: o.Parked,
		State: state, Holder: o.Holder, Stopped: o.Stopped, UpdatedAt: o.UpdatedAt,
	}
	for _, b := range o.Builds {
		m.Builds = append(m.Builds, gate.ModelBuild{
			Kind: kinds[b.Copy], State: string(b.State), Events: b.Events, Total: b.Total, Rate: b.Rate, Remaining: b.Remaining(),
			MaxRate: b.MaxRate, RequestedBy: b.RequestedBy, Builder: b.Builder, RequestedAt: b.RequestedAt, StartedAt: b.StartedAt,
			FinishedAt: b.FinishedAt, Error: b.Error,
		})
	}
	for _, other := range o.Others {
		m.Others = append(m.Others, gate.ModelCopy{
			Schema: other.Schema, Version: other.Version, Kept: other.Copy == "kept", Position: other.Position.Sequence,
			UpdatedAt: other.UpdatedAt, Since: other.SupersededAt, Held: other.Held,
		})
	}
	return m
}

// kinds names builds by the copy that they make.
var kinds = map[string]string{"": "version", "next": "again", "kept": "switch", "check": "check"} //nolint:gochecknoglobals // a constant table

func comparisonOf(c runtime.Comparison) gate.ModelComparison {
	out := gate.ModelComparison{Schema: c.Projection, Position: c.Position, Equal: c.Equal()}
	for _, t := range c.Tables {
		table := gate.ModelTable{Table: t.Table, Rows: t.Rows, Missing: t.Missing, Extra: t.Extra, Different: t.Different}
		for _, e := range t.Examples {
			table.Examples = append(table.Examples, gate.ModelRow{Key: e.Key, Kind: e.Kind, Position: e.Position, Columns: e.Columns})
		}
		out.Tables = append(out.Tables, table)
	}
	return out
}

func parkedOf(e runtime.ParkedEvent) gate.ParkedEvent {
	return gate.ParkedEvent{
		Stream: e.Stream, Sequence: e.Sequence, ID: e.EventID, Type: string(e.Type), Aggregate: e.Aggregate, Error: e.Error,
		Attempts: e.Attempts, Release: e.HandlerVersion, ParkedAt: e.ParkedAt,
	}
}
