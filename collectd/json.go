package collectd

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"zeta/event"
)

// MaxText bounds the text of one value list or notification of write_http, in bytes.
const MaxText = 64 << 10

// valueListJSON is a value list as write_http sends it with Format JSON. A value is null for NaN.
type valueListJSON struct {
	Values         []*json.Number
	DSTypes        []string
	DSNames        []string
	Time, Interval float64
	Host           string
	Plugin         string
	PluginInstance string `json:"plugin_instance"`
	Type           string
	TypeInstance   string `json:"type_instance"`
	Meta           map[string]any
}

// ParseJSON reads a value list of write_http with Format JSON. rates says that the sender has turned counters into
// rates (StoreRates true), which the text itself does not tell.
func (l *ValueList) ParseJSON(text []byte, rates bool) error {
	if len(text) > MaxText {
		return fmt.Errorf("a value list of %d bytes, limit %d", len(text), MaxText)
	}
	var in valueListJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	switch n := len(in.Values); {
	case in.Plugin == "" || in.Type == "" || n == 0:
		return errors.New("a value list without plugin, type or values")
	case len(in.DSTypes) != n || len(in.DSNames) != n:
		return fmt.Errorf("%d values, %d dstypes and %d dsnames, want as many of each", n, len(in.DSTypes), len(in.DSNames))
	}
	*l = ValueList{
		Identity: Identity{in.Host, in.Plugin, in.PluginInstance, in.Type, in.TypeInstance},
		Time:     micros(in.Time), Interval: in.Interval, Names: in.DSNames, Rates: rates, Values: make([]Value, len(in.Values)),
	}
	for i, n := range in.Values {
		var text string
		if n == nil {
			text = "nan"
		} else {
			text = n.String()
		}
		kind, ok := kindOf(in.DSTypes[i])
		if !ok {
			return fmt.Errorf("dstype %.40q, want gauge, derive, counter or absolute", in.DSTypes[i])
		}
		var err error
		if l.Values[i], err = parseValue(kind, text, rates); err != nil {
			return err
		}
	}
	for key, value := range in.Meta {
		l.Meta = append(l.Meta, event.Attr{Key: event.LabelKey(key), Value: fmt.Sprint(value)})
	}
	return nil
}

// micros is a time in microseconds; what cannot be one is none.
func micros(seconds float64) int64 {
	if seconds > 0 && seconds < 1e11 {
		return event.SecondsToMicros(seconds)
	}
	return 0
}

func kindOf(text string) (ValueKind, bool) {
	i := slices.Index([]string{"counter", "gauge", "derive", "absolute"}, text)
	return ValueKind(max(i, 0)), i >= 0
}

// parseValue reads a value as its kind has it.
func parseValue(kind ValueKind, text string, rates bool) (Value, error) {
	v := Value{Kind: kind}
	var err error
	switch {
	case kind == Gauge || rates:
		if text == "U" {
			v.Gauge = math.NaN()
		} else if v.Gauge, err = strconv.ParseFloat(text, 64); err != nil && !math.IsInf(v.Gauge, 0) {
			return v, fmt.Errorf("value %.40q, want a number", text)
		}
		return v, nil
	case kind == Derive:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.Count = uint64(n)
	default:
		v.Count, err = strconv.ParseUint(text, 10, 64)
	}
	if err != nil {
		return v, fmt.Errorf("%s %.40q, want a whole number; a sender with StoreRates true needs storeRates: true here", kind, text)
	}
	return v, nil
}
