package streams

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// optionField is one field of an options struct with what its tags say.
type optionField struct {
	index    int
	within   []int  // embedded structs that lead to it, from the outside
	name     string // as messages and documentation call it
	place    optionPlace
	optional bool
	rest     bool
	typ      reflect.Type
	min, max float64 // in seconds for a duration
	hasMin   bool
	hasMax   bool
	minText  string
	maxText  string
	enum     []string
	about    string
	takes    Kind // of a Branch: what reaches it; Either: what the operator gives
	acc      bool
	secret   bool
	bind     bool          // a name that is bound for what follows (byBuilder)
	fork     bool          // a Branch that is built once for each fork
	at       bool          // of []Case: values rather than conditions (splitp)
	nested   []optionField // of a struct
}

type optionPlace uint8

const (
	placeArg optionPlace = iota
	placeOption
	placeElse
)

var (
	typeDuration = reflect.TypeFor[time.Duration]()
	typeSecret   = reflect.TypeFor[Secret]()
	typeExpr     = reflect.TypeFor[Expr]()
	typeCond     = reflect.TypeFor[Cond]()
	typeConds    = reflect.TypeFor[[]Cond]()
	typeFold     = reflect.TypeFor[Fold]()
	typeMapper   = reflect.TypeFor[Mapper]()
	typePatch    = reflect.TypeFor[Patch]()
	typePattern  = reflect.TypeFor[Pattern]()
	typeField    = reflect.TypeFor[FieldName]()
	typeKeys     = reflect.TypeFor[Keys]()
	typePoints   = reflect.TypeFor[Points]()
	typeDatum    = reflect.TypeFor[Datum]()
	typeBranch   = reflect.TypeFor[Branch]()
	typeBranches = reflect.TypeFor[[]Branch]()
	typeCases    = reflect.TypeFor[[]Case]()
	typeStrings  = reflect.TypeFor[[]string]()
	typeFloats   = reflect.TypeFor[[]float64]()
	typeStrMap   = reflect.TypeFor[map[string]string]()
	typeTable    = reflect.TypeFor[Table]()
)

// typeNames is what messages call the types.
var typeNames = map[reflect.Type]string{
	typeDuration: `a duration, e.g. 90 (seconds) or "1m30s"`,
	typeSecret:   "a string", typeExpr: "an expression over the event", typeCond: "a condition",
	typeConds: "a list of conditions", typeFold: "the name of a fold", typeMapper: "a fold, a patch or an expression",
	typePatch: "a map from fields to values", typePattern: "a pattern", typeField: "the name of a field",
	typeKeys: "a field, an expression or a list of them", typePoints: "a list of points, e.g. [0.5, 0.99]",
	typeDatum: "a constant", typeBranch: "a stream", typeBranches: "streams", typeCases: "pairs of a condition and a stream",
	typeStrings: "a string or a list of strings", typeFloats: "a list of numbers", typeStrMap: "a map of strings", typeTable: "a map of rows or the name of a file",
	reflect.TypeFor[int](): "a whole number", reflect.TypeFor[int64](): "a whole number", reflect.TypeFor[float64](): "a number",
	reflect.TypeFor[bool](): "true or false", reflect.TypeFor[string](): "a string",
}

// typeName is what messages say is wanted.
func (f *optionField) typeName() string {
	if f.nested != nil {
		return "a map"
	}
	if f.at {
		return "pairs of a value and a stream"
	}
	if len(f.enum) > 0 {
		return "one of " + quoteList(f.enum)
	}
	return typeNames[f.typ]
}

func (f *optionField) isBranch() bool {
	return f.typ == typeBranch || f.typ == typeBranches || f.typ == typeCases
}

// optionFields takes an options struct apart.
func optionFields(t reflect.Type) ([]optionField, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("options are a %s, want a struct", t)
	}
	var fields []optionField
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
			shared, err := embeddedFields(i, sf.Type)
			if err != nil {
				return nil, fmt.Errorf("options %s: %w", sf.Name, err)
			}
			fields = append(fields, shared...)
			continue
		}
		f, err := newOptionField(i, sf)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", sf.Name, err)
		}
		fields = append(fields, f)
	}
	args, ended := 0, false
	for i := range fields {
		f := &fields[i]
		if f.place == placeArg {
			if args++; ended {
				return nil, fmt.Errorf("option %s: a positional argument after the options map or the rest", f.name)
			}
			ended = f.rest && f.typ != typeCases
		}
	}
	return fields, nil
}

// embeddedFields are the options that several components share: they stand in the options map like the others.
func embeddedFields(index int, t reflect.Type) ([]optionField, error) {
	fields, err := optionFields(t)
	for i := range fields {
		if fields[i].place != placeOption {
			return nil, fmt.Errorf("%s is an argument; options that are shared are named ones", fields[i].name)
		}
		fields[i].within = append([]int{index}, fields[i].within...)
	}
	return fields, err
}

// path leads from the options struct to the field.
func (f *optionField) path() fieldPath { return append(slices.Clone(f.within), f.index) }

// in returns the field in an options struct.
func (f *optionField) in(opts reflect.Value) reflect.Value { return f.path().in(opts) }

func newOptionField(index int, sf reflect.StructField) (optionField, error) {
	f := optionField{index: index, typ: sf.Type, about: sf.Tag.Get("doc"), acc: sf.Tag.Get("acc") != "", secret: sf.Tag.Get("secret") != "" || sf.Type == typeSecret}
	f.name = lowerFirst(sf.Name)
	arg, isArg := sf.Tag.Lookup("arg")
	key, isOption := sf.Tag.Lookup("opt")
	switch {
	case !sf.IsExported():
		return f, fmt.Errorf("not exported")
	case isArg == isOption:
		return f, fmt.Errorf("wants an arg or an opt tag")
	case f.about == "":
		return f, fmt.Errorf("has no doc")
	case isOption:
		f.place, f.name, f.optional = placeOption, key, true
	default:
		for i, word := range strings.Split(arg, ",") {
			switch {
			case word == "else":
				f.place, f.optional = placeElse, true
			case word == "optional":
				f.optional = true
			case word == "rest":
				f.rest, f.optional = true, true
			case i > 0:
				return f, fmt.Errorf("arg tag %q", arg)
			}
		}
	}
	f.at, f.bind, f.fork = sf.Tag.Get("at") != "", sf.Tag.Get("bind") != "", sf.Tag.Get("fork") != ""
	if e := sf.Tag.Get("enum"); e != "" {
		f.enum = strings.Split(e, ",")
	}
	switch sf.Tag.Get("takes") {
	case "events":
		f.takes = Events
	case "windows":
		f.takes = Windows
	}
	var err error
	if f.minText = sf.Tag.Get("min"); f.minText != "" {
		f.hasMin = true
		if f.min, err = f.bound(f.minText); err != nil {
			return f, err
		}
	}
	if f.maxText = sf.Tag.Get("max"); f.maxText != "" {
		f.hasMax = true
		if f.max, err = f.bound(f.maxText); err != nil {
			return f, err
		}
	}
	if typeNames[f.typ] == "" {
		inner := f.typ
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct || f.place != placeOption {
			return f, fmt.Errorf("type %s is not supported", f.typ)
		}
		if f.nested, err = optionFields(inner); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *optionField) bound(text string) (float64, error) {
	if f.typ == typeDuration {
		d, err := time.ParseDuration(text)
		if err != nil {
			s, err := strconv.ParseFloat(text, 64)
			return s, err
		}
		return d.Seconds(), nil
	}
	return strconv.ParseFloat(text, 64)
}

// doc documents the field; o holds the defaults.
func (f *optionField) doc(o reflect.Value) ArgDoc {
	d := ArgDoc{
		Name: f.name, Type: f.typeName(), Doc: f.about, Option: f.place == placeOption, Optional: f.optional,
		Rest: f.rest, Branch: f.isBranch(), Min: f.minText, Max: f.maxText, Enum: f.enum, Secret: f.secret,
	}
	v := f.in(o)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		v = reflect.New(v.Type().Elem())
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if f.nested != nil {
		for i := range f.nested {
			d.Options = append(d.Options, f.nested[i].doc(v))
		}
		return d
	}
	if !v.IsZero() && !f.secret {
		switch v.Kind() {
		case reflect.String:
			d.Default = strconv.Quote(v.String())
		case reflect.Bool, reflect.Int, reflect.Float64:
			d.Default = fmt.Sprint(v.Interface())
		case reflect.Int64:
			d.Default = fmt.Sprint(v.Interface())
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.String {
				d.Default = strings.ReplaceAll(fmt.Sprintf("%q", v.Interface()), `" "`, `", "`)
			} else {
				d.Default = strings.ReplaceAll(fmt.Sprint(v.Interface()), " ", ", ")
			}
		}
	}
	return d
}

func lowerFirst(s string) string {
	upper := 0
	for _, r := range s {
		if !unicode.IsUpper(r) {
			break
		}
		upper++
	}
	switch {
	case upper == 0:
		return s
	case upper == len(s) || upper == 1:
		return strings.ToLower(s[:upper]) + s[upper:]
	}
	return strings.ToLower(s[:upper-1]) + s[upper-1:]
}

// quoteList prints names as "a", "b" or "c".
func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return orList(quoted)
}

// orList prints names as a, b or c.
func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// optionNames lists the keys of the options map among fields.
func optionNames(fields []optionField) []string {
	var names []string
	for i := range fields {
		if fields[i].place == placeOption {
			names = append(names, fields[i].name)
		}
	}
	slices.Sort(names)
	return names
}
