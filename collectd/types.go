package collectd

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Source is a data source of a type.
type Source struct {
	Name     string
	Kind     ValueKind
	Min, Max float64 // of the value, for a counter of its rate; NaN: none
}

// Types are the data sources of each type, as in collectd's types.db.
type Types map[string][]Source

const maxTypes = 10_000

// ReadTypes reads files in the form of collectd's types.db: "type name:KIND:min:max, …", U for no bound. A later
// definition replaces an earlier one.
func ReadTypes(files ...string) (Types, error) {
	t := builtinTypes()
	for _, name := range files {
		if err := t.read(name); err != nil {
			return nil, fmt.Errorf("read types %s: %w", name, err)
		}
	}
	return t, nil
}

func (t Types) read(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(strings.ReplaceAll(lines.Text(), ",", " "))
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		if len(fields) == 1 || len(t) >= maxTypes {
			return fmt.Errorf("line %d: want a type and its data sources, at most %d types", n, maxTypes)
		}
		var sources []Source
		for _, text := range fields[1:] {
			s, err := parseSource(text)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			sources = append(sources, s)
		}
		t[fields[0]] = sources
	}
	return lines.Err()
}

func parseSource(text string) (Source, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 4 {
		return Source{}, fmt.Errorf("data source %q; want name:KIND:min:max", text)
	}
	s := Source{Name: parts[0]}
	switch strings.ToUpper(parts[1]) {
	case "COUNTER":
		s.Kind = Counter
	case "GAUGE":
		s.Kind = Gauge
	case "DERIVE":
		s.Kind = Derive
	case "ABSOLUTE":
		s.Kind = Absolute
	default:
		return s, fmt.Errorf("data source %q: kind %q; want GAUGE, DERIVE, COUNTER or ABSOLUTE", text, parts[1])
	}
	var errs [2]error
	s.Min, errs[0] = parseBound(parts[2])
	s.Max, errs[1] = parseBound(parts[3])
	for _, err := range errs {
		if err != nil {
			return s, fmt.Errorf("data source %q: %w", text, err)
		}
	}
	return s, nil
}

func parseBound(text string) (float64, error) {
	if text == "U" {
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("bound %q; want a number or U", text)
	}
	return f, nil
}

// builtinTypes are the usual types with several data sources, for those who have no types.db at hand.
func builtinTypes() Types {
	t := Types{}
	for _, d := range []struct {
		kind  ValueKind
		names string
		types string
	}{
		{Derive, "rx tx", "if_octets if_packets if_errors if_dropped io_octets io_packets"},
		{Derive, "read write", "disk_octets disk_ops disk_time disk_merged"},
		{Derive, "minflt majflt", "ps_pagefaults"},
		{Derive, "user syst", "ps_cputime"},
		{Derive, "in out", "vmpage_io"},
		{Gauge, "shortterm midterm longterm", "load"},
		{Derive, "io_time weighted_io_time", "disk_io_time"},
		{Gauge, "processes threads", "ps_count"},
		{Gauge, "used free", "df"},
	} {
		for _, name := range strings.Fields(d.types) {
			for _, source := range strings.Fields(d.names) {
				t[name] = append(t[name], Source{source, d.kind, 0, math.NaN()})
			}
		}
	}
	return t
}
