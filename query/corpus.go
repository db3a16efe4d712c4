package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"zeta/event"
)

// CaseResult is the outcome of one case of a conformance file.
type CaseResult struct {
	Name, Query string
	Problems    []string // what went otherwise than the case says; empty: it passed
}

// RunCorpus runs a conformance file of the query language: {"notes": …, "cases": [{"name", "query",
// "matches": [event…], "misses": [event…]} or {"name", "query", "error": true}]}. Events are objects of
// the standard fields and of attributes; null means absent; a number with neither point nor exponent is
// an integer. The error is one of reading the file.
func RunCorpus(r io.Reader) ([]CaseResult, error) {
	var file struct {
		Cases []struct {
			Name, Query     string
			Matches, Misses []json.RawMessage
			Error           bool
		}
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, fmt.Errorf("read query cases: %w", err)
	}
	results := make([]CaseResult, 0, len(file.Cases))
	for _, c := range file.Cases {
		res := CaseResult{Name: c.Name, Query: c.Query}
		q, err := Parse(c.Query)
		switch {
		case c.Error && err == nil:
			res.Problems = append(res.Problems, "accepted, must be rejected")
		case !c.Error && err != nil:
			res.Problems = append(res.Problems, err.Error())
		}
		if q != nil && !c.Error {
			for _, want := range []bool{true, false} {
				events, word := c.Matches, "must match "
				if !want {
					events, word = c.Misses, "must not match "
				}
				for _, raw := range events {
					e, err := corpusEvent(raw)
					if err != nil {
						return nil, fmt.Errorf("read query cases: case %q: %w", c.Name, err)
					}
					if q.Match(&e) != want {
						res.Problems = append(res.Problems, word+string(raw))
					}
				}
			}
		}
		results = append(results, res)
	}
	return results, nil
}

// corpusEvent reads an event as conformance files write it.
func corpusEvent(raw []byte) (e event.Event, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return e, err
	}
	var tags []string
	var attrs []event.Attr
	for key, v := range fields {
		switch v := v.(type) {
		case nil:
		case json.Number:
			if err := corpusNumber(&e, key, v); err != nil {
				return e, err
			}
		case []any:
			tags = []string{}
			for _, t := range v {
				tags = append(tags, fmt.Sprint(t))
			}
		case string:
			switch fieldOf(key) {
			case fieldHost:
				e.SetHost(v)
			case fieldService:
				e.SetService(v)
			case fieldState:
				e.SetState(v)
			case fieldDescription:
				e.SetDescription(v)
			default:
				attrs = append(attrs, event.Attr{Key: key, Value: v})
			}
		default:
			return e, fmt.Errorf("field %q holds a %T", key, v)
		}
	}
	e.Set = event.NewSet(tags, attrs)
	return e, nil
}

func corpusNumber(e *event.Event, key string, n json.Number) error {
	f, err := n.Float64()
	if err != nil {
		return err
	}
	switch fieldOf(key) {
	case fieldTime:
		e.SetTime(event.SecondsToMicros(f))
	case fieldTTL:
		e.SetTTL(f)
	case fieldMetric:
		if i, err := n.Int64(); err == nil && !strings.ContainsAny(n.String(), ".eE") {
			e.SetInt(i)
		} else {
			e.SetFloat(f)
		}
	default:
		return fmt.Errorf("field %q holds a number", key)
	}
	return nil
}
