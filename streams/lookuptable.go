package streams

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	slashpath "path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// Table is a table of fields by key, as enrich looks them up: a map written in the rule, or a file. The zero
// Table is empty.
type Table struct{ rows map[string]*tableRow }

// tableRow is what a key stands for.
type tableRow struct {
	cells []cell       // fields other than tags and attributes
	tags  []string     // to be added
	attrs []event.Attr // sorted by key
}

type cell struct {
	field FieldName
	value Datum
}

// set adds the value of a column to the row. A column that is no field of an event is an attribute.
func (r *tableRow) set(column string, value Datum) error {
	switch column {
	case "host", "service", "state", "description":
		if value.Kind != String {
			return fmt.Errorf("%s is a text, found %s", column, value.Text())
		}
	case "metric", "time", "ttl":
		if _, ok := numberOf(value); !ok {
			return fmt.Errorf("%s is a number, found %q", column, value.Text())
		}
	case "tags":
		switch value.Kind {
		case List:
			tags := datumStrings(value)
			if len(tags) < len(value.List) {
				return fmt.Errorf("tags are texts, found %s", value.Text())
			}
			r.tags = append(r.tags, tags...)
		case String:
			r.tags = append(r.tags, strings.Fields(value.Str)...)
		default:
			return fmt.Errorf("tags are texts, found %s", value.Text())
		}
		return nil
	default:
		name := strings.TrimPrefix(column, "attributes.")
		if name == "" || value.Kind == List {
			return fmt.Errorf("column %q: an attribute has a name and a text", column)
		}
		r.attrs = event.NewSet(nil, append(r.attrs, event.Attr{Key: name, Value: value.Text()})).Attrs
		return nil
	}
	r.cells = append(r.cells, cell{FieldName{Name: column}, value})
	return nil
}

// readTable reads the text of a table file by the ending of its name.
func readTable(name, text string) (Table, error) {
	switch strings.ToLower(slashpath.Ext(filepath.ToSlash(name))) {
	case ".csv":
		return readTableCSV(text)
	case ".json":
		return readTableJSON(text)
	}
	return Table{}, errors.New("want a file named .csv or .json")
}

// readTableCSV reads a header with the names of the columns, the first of which is the key, and the rows. An
// empty cell sets nothing.
func readTableCSV(text string) (Table, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err == io.EOF {
		return Table{}, errors.New("line 1: no header; want the key's column and then those to set, e.g. host,owner")
	}
	if err != nil {
		return Table{}, csvError(err)
	}
	header = slices.Clone(header)
	t := Table{rows: map[string]*tableRow{}}
	for {
		record, err := r.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return Table{}, csvError(err)
		}
		line, _ := r.FieldPos(0)
		if t.rows[record[0]] != nil {
			return Table{}, fmt.Errorf("line %d: the key %q is there twice", line, record[0])
		}
		row := &tableRow{}
		for i, value := range record[1:] {
			column := header[i+1]
			if value == "" {
				continue
			}
			if err := row.set(column, csvValue(column, value)); err != nil {
				return Table{}, fmt.Errorf("line %d: %w", line, err)
			}
		}
		t.rows[record[0]] = row
	}
}

// csvError says the line as our other errors do.
func csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("line %d: %w", p.Line, p.Err)
	}
	return err
}

func csvValue(column, text string) Datum {
	switch column {
	case "metric", "time", "ttl":
		return numberDatum(text)
	}
	return StringDatum(text)
}

// numberDatum returns text as a number, or as it is where it is none.
func numberDatum(text string) Datum {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return IntDatum(i)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return FloatDatum(f)
	}
	return StringDatum(text)
}

// readTableJSON reads an object of objects: {"web1": {"owner": "ops", "tags": ["db"]}}.
func readTableJSON(text string) (Table, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var rows map[string]map[string]any
	if err := d.Decode(&rows); err != nil {
		return Table{}, fmt.Errorf("offset %d: %w", d.InputOffset(), err)
	}
	t := Table{rows: map[string]*tableRow{}}
	for key, fields := range rows {
		row := &tableRow{}
		if err := row.setJSON("", fields); err != nil {
			return Table{}, fmt.Errorf("key %q: %w", key, err)
		}
		t.rows[key] = row
	}
	return t, nil
}

func (r *tableRow) setJSON(prefix string, fields map[string]any) error {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var d Datum
		switch x := fields[name].(type) {
		case nil:
			continue
		case string:
			d = StringDatum(x)
		case json.Number:
			d = numberDatum(x.String())
		case bool:
			d = BoolDatum(x)
		case []any:
			d.Kind = List
			for _, item := range x {
				s, ok := item.(string)
				if !ok {
					return fmt.Errorf("%s: want a list of texts", name)
				}
				d.List = append(d.List, StringDatum(s))
			}
		case map[string]any:
			if name != "attributes" || prefix != "" {
				return fmt.Errorf("%s: want a text, a number or a list of texts", name)
			}
			if err := r.setJSON("attributes.", x); err != nil {
				return err
			}
			continue
		}
		if err := r.set(prefix+name, d); err != nil {
			return err
		}
	}
	return nil
}

// table decodes a Table: a map of maps, or the name of a file beside the rules.
func (d *decoder) table(f *optionField, n ast.Node) (t Table, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return d.tableFile(n)
	case *ast.MapNode:
		t, ok = Table{rows: map[string]*tableRow{}}, true
		for _, p := range n.Pairs {
			pair := p.(*ast.PairNode)
			key, isKey := pair.Key.(*ast.StringNode)
			fields, isMap := d.c.fill(pair.Value).(*ast.MapNode)
			if !isKey || !isMap {
				d.fault(pair, describe(pair.Value)+" is no row", `a row is a map of fields: {"web1": {owner: "ops"}}`, "")
				ok = false
				continue
			}
			row := &tableRow{}
			ok = d.tableFields(f, row, "", fields) && ok
			t.rows[key.Value] = row
		}
		return t, ok
	}
	d.wrong(f, n)
	return Table{}, false
}

func (d *decoder) tableFields(f *optionField, row *tableRow, prefix string, fields *ast.MapNode) bool {
	fine := true
	for _, p := range fields.Pairs {
		pair := p.(*ast.PairNode)
		name, isName := pair.Key.(*ast.StringNode)
		if !isName {
			d.fault(pair.Key, "a computed column", "the columns of a row are names", "")
			fine = false
			continue
		}
		if attrs, isMap := d.c.fill(pair.Value).(*ast.MapNode); isMap && name.Value == "attributes" && prefix == "" {
			fine = d.tableFields(f, row, "attributes.", attrs) && fine
			continue
		}
		value, ok := compileConst(d.checker(f), d.c.fill(pair.Value))
		if ok {
			if err := row.set(prefix+name.Value, value); err != nil {
				d.fault(pair.Value, err.Error(), "", "")
				ok = false
			}
		}
		fine = fine && ok
	}
	return fine
}

// tableFile reads the file that n names, relative to the file of rules in which n stands.
func (d *decoder) tableFile(n *ast.StringNode) (Table, bool) {
	name, here := n.Value, d.c.src.position(nodeLocation(n).From).file
	switch {
	case d.c.opts.FS != nil:
		name = slashpath.Join(slashpath.Dir(here), name)
	case !filepath.IsAbs(name):
		name = filepath.Join(filepath.Dir(here), name)
	}
	text, err := d.c.readFile(name)
	if err != nil {
		d.fault(n, fmt.Sprintf("read %s: %v", name, errorText(err)), "", "")
		return Table{}, false
	}
	t, err := readTable(name, text)
	if err != nil {
		d.fault(n, fmt.Sprintf("%s: %v", name, err), "", "")
		return Table{}, false
	}
	if !slices.ContainsFunc(d.c.tables, func(f File) bool { return f.Name == name }) {
		d.c.tables = append(d.c.tables, File{name, text})
	}
	return t, true
}
