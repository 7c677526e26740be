package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rosterhq/roster/events"
)

// Comparison says how a read model differs from what its log gives.
type Comparison struct {
	Projection string          // its schema
	Position   events.Position // of both
	Tables     []TableComparison
}

// Equal says that nothing differs.
func (c Comparison) Equal() bool {
	return !slices.ContainsFunc(c.Tables, func(t TableComparison) bool { return t.Missing+t.Extra+t.Different > 0 })
}

// TableComparison is of one table.
type TableComparison struct {
	Table     string
	Rows      int64 // of the serving one
	Missing   int64 // rows that it should have
	Extra     int64 // and that it should not
	Different int64
	Examples  []RowDifference // at most 20
}

// RowDifference is one row that differs.
type RowDifference struct {
	Key      string   // the primary key, as JSON
	Kind     string   // missing, extra or different
	Columns  []string // those that differ
	Position string   // of the event that wrote the row last, where the row says so
}

const (
	comparedExamples = 20

	comparingSQL = `insert into roster.rebuilds (name, version, slot, state, requested_by, requested_at, started_at, updated_at, builder)
		values ($1, $2, $3, $4, $5, now(), now(), now(), $5)
		on conflict (name, version, slot) do update set state = excluded.state, requested_by = excluded.requested_by,
			requested_at = now(), started_at = now(), updated_at = now(), finished_at = null, error = '', builder = excluded.builder`
	keySQL = `select coalesce(array_agg(a.attname::text order by array_position(i.indkey::int[], a.attnum::int)), '{}') from pg_index i
		join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
		where i.indrelid = ($1 || '.' || $2)::regclass and i.indisprimary`
)

// Compare builds a read model beside the serving one, up to its checkpoint, and says
// what differs. Serving goes on; the model's worker pauses for what came last. It
// takes as long as a rebuild at half of what the machine can. Errors: ErrBusy while
// another comparison of the model runs, ErrReaction, ErrWentBack.
func Compare(ctx context.Context, c Config, p Projection) (Comparison, error) {
	if p.Migrations == nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, ErrReaction)
	}
	c = c.withDefaults()
	js, err := jetstream.New(c.NATS)
	if err != nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, err)
	}
	t, err := openTarget(ctx, c, js, p.copyIn(checked), true)
	if err != nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, err)
	}
	defer t.close()
	out, err := t.compare(ctx)
	cleaning, cancel := graceful(ctx)
	defer cancel()
	state := RebuildDone
	if err != nil {
		state = RebuildFailed
	}
	if !t.conn.IsClosed() {
		if dropped := dropCopy(cleaning, t.conn, t.projection.entry(), p.Version); err == nil {
			err = dropped
		}
		if noted := finishJob(cleaning, t.conn, t.projection, state, err); err == nil {
			err = noted
		}
	}
	if err != nil {
		return Comparison{}, fmt.Errorf("compare %s: %w", p.Name, err)
	}
	return out, nil
}

func (t *target) compare(ctx context.Context) (Comparison, error) {
	p := t.projection
	if err := t.comparing(ctx, RebuildBuilding); err != nil {
		return Comparison{}, err
	}
	if err := dropCopy(ctx, t.conn, p.entry(), p.Version); err != nil {
		return Comparison{}, err
	}
	if err := makeCopy(ctx, t.conn, p); err != nil {
		return Comparison{}, err
	}
	if err := setLogged(ctx, t.conn, p, false); err != nil {
		return Comparison{}, err
	}
	if err := deferIndexes(ctx, t.conn, p); err != nil {
		return Comparison{}, err
	}
	if err := t.load(ctx); err != nil {
		return Comparison{}, err
	}
	for range passesAtMost {
		read, err := t.follow(ctx, newPace(nil))
		if err != nil {
			return Comparison{}, err
		}
		if read < nearEnough {
			break
		}
	}
	if err := t.fold(ctx); err != nil {
		return Comparison{}, err
	}
	if err := t.comparing(ctx, RebuildSwitching); err != nil { // its worker lets it go
		return Comparison{}, err
	}
	if err := t.lockServing(ctx); err != nil {
		return Comparison{}, err
	}
	if _, err := t.follow(ctx, &pace{}); err != nil {
		return Comparison{}, err
	}
	if err := t.fold(ctx); err != nil {
		return Comparison{}, err
	}
	if err := t.comparing(ctx, RebuildIndexing); err != nil {
		return Comparison{}, err
	}
	return t.differences(ctx)
}

func (t *target) comparing(ctx context.Context, s RebuildState) error {
	p := t.projection
	if _, err := t.conn.Exec(ctx, comparingSQL, p.Name, p.Version, string(p.slot), string(s), processName()); err != nil {
		return fmt.Errorf("note the comparison of %s: %w", p.Name, err)
	}
	return nil
}

// follow brings the copy to where the serving one is.
func (t *target) follow(ctx context.Context, pace *pace) (read int, err error) {
	until, err := checkpointOf(ctx, t.conn, t.projection.copyIn(serving))
	if err != nil || until <= t.at.sequence {
		return 0, err
	}
	one := &pass{source: t.source, targets: []*target{t}, pace: pace, until: until}
	return one.run(ctx)
}

// differences compares table by table in one snapshot. The worker goes on as soon as
// that is taken.
func (t *target) differences(ctx context.Context) (Comparison, error) {
	live := t.projection.copyIn(serving)
	out := Comparison{Projection: live.Schema(), Position: t.position()}
	err := pgx.BeginTxFunc(ctx, t.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		at, err := checkpointOf(ctx, tx, live) // the snapshot is of now
		if err != nil {
			return err
		}
		out.Position.Sequence = max(out.Position.Sequence, at)
		if _, err := tx.Exec(ctx, `select pg_advisory_unlock($1)`, live.lockKey()); err != nil {
			return fmt.Errorf("let go the lock: %w", err)
		}
		if _, err := tx.Exec(ctx, `set local enable_hashjoin = on; set local enable_mergejoin = on; set local enable_seqscan = on`); err != nil {
			return err
		}
		tables, err := tablesOf(ctx, tx, t.projection.Schema())
		if err != nil {
			return err
		}
		for _, table := range tables {
			one, err := t.compareTable(ctx, tx, table)
			if err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			out.Tables = append(out.Tables, one)
		}
		return nil
	})
	return out, err
}

func (t *target) compareTable(ctx context.Context, tx pgx.Tx, table string) (TableComparison, error) {
	out := TableComparison{Table: table}
	live, built := pgx.Identifier{t.projection.copyIn(serving).Schema(), table}.Sanitize(), pgx.Identifier{t.projection.Schema(), table}.Sanitize()
	if err := tx.QueryRow(ctx, `select count(*) from `+live).Scan(&out.Rows); err != nil {
		return out, err
	}
	var key []string
	if err := tx.QueryRow(ctx, keySQL, t.projection.Schema(), table).Scan(&key); err != nil {
		return out, err
	}
	differing := fmt.Sprintf(`%s a full join %s b on %s where a is null or b is null or a::text <> b::text`, live, built, sameKey(key))
	err := tx.QueryRow(ctx, `select count(*) filter (where a.*::text is null), count(*) filter (where b.*::text is null),
		count(*) filter (where a.*::text is not null and b.*::text is not null) from `+differing).Scan(&out.Missing, &out.Extra, &out.Different)
	if err != nil || out.Missing+out.Extra+out.Different == 0 {
		return out, err
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`select to_jsonb(a.*), to_jsonb(b.*) from %s order by coalesce(to_jsonb(a.*), to_jsonb(b.*))::text limit %d`,
		differing, comparedExamples))
	if err != nil {
		return out, err
	}
	out.Examples, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (RowDifference, error) {
		var have, want map[string]json.RawMessage
		if err := row.Scan(&have, &want); err != nil {
			return RowDifference{}, err
		}
		return t.difference(key, have, want)
	})
	return out, err
}

// sameKey compares rows by their primary keys, and as a whole without one.
func sameKey(key []string) string {
	if len(key) == 0 {
		return "a::text = b::text"
	}
	terms := make([]string, len(key))
	for i, column := range key {
		name := pgx.Identifier{column}.Sanitize()
		terms[i] = "a." + name + " = b." + name
	}
	return strings.Join(terms, " and ")
}

func (t *target) difference(key []string, have, want map[string]json.RawMessage) (RowDifference, error) {
	d := RowDifference{Kind: "different"}
	row := have
	switch {
	case have == nil:
		d.Kind, row = "missing", want
	case want == nil:
		d.Kind = "extra"
	default:
		for column, value := range have {
			if string(value) != string(want[column]) {
				d.Columns = append(d.Columns, column)
			}
		}
		slices.Sort(d.Columns)
	}
	members := make(map[string]json.RawMessage, len(key))
	for _, column := range key {
		members[column] = row[column]
	}
	text, err := json.Marshal(members)
	if err != nil {
		return d, fmt.Errorf("encode a key: %w", err)
	}
	d.Key = string(text)
	for _, column := range []string{"position", "sequence"} {
		var sequence uint64
		if json.Unmarshal(row[column], &sequence) == nil && sequence > 0 {
			d.Position = events.Position{Stream: t.projection.Stream, Sequence: sequence}.String()
		}
	}
	return d, nil
}
