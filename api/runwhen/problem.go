package runwhen

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// problem is one thing that is wrong with a request, as FastAPI tells it: Type, Loc
// and Msg are those of its validation library.
type problem struct {
	Type  string          `json:"type"`
	Loc   []any           `json:"loc"`
	Msg   string          `json:"msg"`
	Input json.RawMessage `json:"input"`
	Ctx   map[string]any  `json:"ctx,omitempty"`
}

// kind is the type of a problem.
type kind string

// The types whose text does not depend on anything.
const (
	missing     kind = "missing"
	stringType  kind = "string_type"
	boolType    kind = "bool_type"
	boolParsing kind = "bool_parsing"
	intType     kind = "int_type"
	intParsing  kind = "int_parsing"
	intFloat    kind = "int_from_float"
	intSize     kind = "int_parsing_size"
	notObject   kind = "model_attributes_type"
)

// texts of the types above, as the library writes them.
var texts = map[kind]string{
	missing:     "Field required",
	stringType:  "Input should be a valid string",
	boolType:    "Input should be a valid boolean",
	boolParsing: "Input should be a valid boolean, unable to interpret input",
	intType:     "Input should be a valid integer",
	intParsing:  "Input should be a valid integer, unable to parse string as an integer",
	intFloat:    "Input should be a valid integer, got a number with a fractional part",
	intSize:     "Unable to parse input string as an integer, exceeded maximum size",
	notObject:   "Input should be a valid dictionary or object to extract fields from",
}

func (k kind) at(loc []any, input json.RawMessage) problem {
	return problem{Type: string(k), Loc: loc, Msg: texts[k], Input: input}
}

func atLeast(loc []any, n int64, input json.RawMessage) problem {
	return problem{
		Type: "greater_than_equal", Loc: loc, Input: input, Ctx: map[string]any{"ge": n},
		Msg: "Input should be greater than or equal to " + strconv.FormatInt(n, 10),
	}
}

func atMost(loc []any, n int64, input json.RawMessage) problem {
	return problem{
		Type: "less_than_equal", Loc: loc, Input: input, Ctx: map[string]any{"le": n},
		Msg: "Input should be less than or equal to " + strconv.FormatInt(n, 10),
	}
}

func tooShort(loc []any, n int, input json.RawMessage) problem {
	return problem{
		Type: "string_too_short", Loc: loc, Input: input, Ctx: map[string]any{"min_length": n},
		Msg: "String should have at least " + characters(n),
	}
}

func tooLong(loc []any, n int, input json.RawMessage) problem {
	return problem{
		Type: "string_too_long", Loc: loc, Input: input, Ctx: map[string]any{"max_length": n},
		Msg: "String should have at most " + characters(n),
	}
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return strconv.Itoa(n) + " characters"
}

func mismatch(loc []any, pattern string, input json.RawMessage) problem {
	return problem{
		Type: "string_pattern_mismatch", Loc: loc, Input: input, Ctx: map[string]any{"pattern": pattern},
		Msg: "String should match pattern '" + pattern + "'",
	}
}

// valueError is what a check of the service's own finds.
func valueError(loc []any, text string, input json.RawMessage) problem {
	return problem{
		Type: "value_error", Loc: loc, Input: input, Ctx: map[string]any{"error": struct{}{}},
		Msg: "Value error, " + text,
	}
}

func badEmail(loc []any, reason string, input json.RawMessage) problem {
	return problem{
		Type: "value_error", Loc: loc, Input: input, Ctx: map[string]any{"reason": reason},
		Msg: "value is not a valid email address: " + reason,
	}
}

func badURL(loc []any, reason string, input json.RawMessage) problem {
	return problem{
		Type: "url_parsing", Loc: loc, Input: input, Ctx: map[string]any{"error": reason},
		Msg: "Input should be a valid URL, " + reason,
	}
}

func badScheme(loc []any, input json.RawMessage) problem {
	const expected = "'http' or 'https'"
	return problem{
		Type: "url_scheme", Loc: loc, Input: input, Ctx: map[string]any{"expected_schemes": expected},
		Msg: "URL scheme should be " + expected,
	}
}

func notLiteral(loc []any, expected string, input json.RawMessage) problem {
	return problem{
		Type: "literal_error", Loc: loc, Input: input, Ctx: map[string]any{"expected": expected},
		Msg: "Input should be " + expected,
	}
}

// invalid is the 422 of some problems.
func invalid(list ...problem) *answer { return &answer{http.StatusUnprocessableEntity, list} }

// problems collects what is wrong with a request.
type problems struct{ list []problem }

func (p *problems) add(one problem) { p.list = append(p.list, one) }

// err is the refusal, or nil when nothing is wrong.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return invalid(p.list...)
}

// quoted is a text as it is told back: valid JSON whatever came.
func quoted(s string) json.RawMessage {
	const longest = 1 << 10
	if len(s) > longest {
		s = s[:longest]
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return raw
}
