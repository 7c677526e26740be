package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// plainValue decodes JSON of any shape. Whole numbers of 64 bits stay exact;
// what is beyond a float64 is refused, because the read models can not hold it.
func plainValue(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	return plain(v)
}

func plain(v any) (any, error) {
	switch t := v.(type) {
	case json.Number:
		return number(t)
	case map[string]any:
		for name, member := range t {
			value, err := plain(member)
			if err != nil {
				return nil, err
			}
			t[name] = value
		}
	case []any:
		for i, member := range t {
			value, err := plain(member)
			if err != nil {
				return nil, err
			}
			t[i] = value
		}
	}
	return v, nil
}

func number(n json.Number) (any, error) {
	if whole, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return whole, nil
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return nil, fmt.Errorf("decode number: %w", err)
	}
	return f, nil
}
