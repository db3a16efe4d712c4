package streams

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
)

// nameKind is what a registered name stands for.
type nameKind uint8

const (
	operatorName nameKind = iota
	sinkName
	listenerName
	settingName
	sourceName
)

var nameNouns = [...]string{"operator", "sink", "listener", "setting", "source"}

// registration is a registration with its option type taken apart.
type registration struct {
	Doc
	kind     nameKind
	fields   []optionField
	branches bool // takes its children as Branches
	options  reflect.Type
	defaults reflect.Value
	check    func(o reflect.Value) error
	takes    func(o reflect.Value) Kind
	gives    func(o reflect.Value, in Kind) Kind
	make     func(env *Env, o reflect.Value, next Stream) (Stream, error)
	open     func(o any) (any, error)
	look     func(o any, log *slog.Logger) (Source, error)
	delivery func(o any) Delivery
}

// Doc documents a registered name.
type Doc struct {
	Name, Summary, Doc, Source, Differs, Clock, Bounds string

	In, Out  Kind
	Leaf     bool
	Args     []ArgDoc
	Examples []Example
	Delivery Delivery // of sinks

	operator, takesByArgs, givesByArgs bool // see Flow
}

// ArgDoc documents an argument or an option.
type ArgDoc struct {
	Name     string
	Type     string // as messages call it: "a number", "a duration"
	Doc      string
	Option   bool // a key of the options map
	Optional bool
	Rest     bool
	Branch   bool // a stream, or pairs that end in one
	Min, Max string
	Enum     []string
	Default  string   // as text; "" if there is none
	Options  []ArgDoc // of a nested map
	Secret   bool
}

var registry = map[string]*registration{}  // operators, sinks and settings: they share one space of names
var listeners = map[string]*registration{} // by KIND in listen.KIND
var observers = map[string]*registration{} // by probe.KIND or source.KIND

// Register makes an operator known. It panics on a duplicate name, a missing summary, an undocumented
// option or no example: such a mistake fails the first test run. Call it from an init function.
func Register[O any](spec Spec[O]) {
	if spec.New == nil {
		panic(fmt.Sprintf("streams: operator %s has no New", spec.Name))
	}
	e := newRegistration(operatorName, spec.Defaults, spec.Check, Doc{
		Name: spec.Name, Summary: spec.Summary, Doc: spec.Doc, Source: spec.Source, Differs: spec.Differs,
		Clock: spec.Clock, Bounds: spec.Bounds, In: spec.In, Out: spec.Out, Leaf: spec.Leaf, Examples: spec.Examples, operator: true,
	})
	e.make = func(env *Env, o reflect.Value, next Stream) (Stream, error) {
		return spec.New(env, o.Interface().(O), next)
	}
	if spec.Takes != nil {
		e.takesByArgs = true
		e.takes = func(o reflect.Value) Kind { return spec.Takes(o.Interface().(O)) }
	}
	if spec.Gives != nil {
		e.givesByArgs = true
		e.gives = func(o reflect.Value, in Kind) Kind { return spec.Gives(o.Interface().(O), in) }
	}
	registry[spec.Name] = e
}

// RegisterSink makes a sink known; see Register.
func RegisterSink[O any](spec SinkSpec[O]) {
	if spec.Open == nil {
		panic(fmt.Sprintf("streams: sink %s has no Open", spec.Name))
	}
	e := newRegistration(sinkName, spec.Defaults, spec.Check, Doc{
		Name: spec.Name, Summary: spec.Summary, Doc: spec.Doc, Differs: spec.Differs, Clock: "none",
		Leaf: true, Examples: spec.Examples, Delivery: spec.Delivery,
	})
	e.open = func(o any) (any, error) { return spec.Open(o.(O)) }
	e.delivery = func(o any) Delivery {
		if spec.Deliver == nil {
			return spec.Delivery
		}
		return spec.Deliver(o.(O))
	}
	registry[spec.Name] = e
}

// RegisterListener makes listen.NAME known; see Register.
func RegisterListener[O any](spec ListenerSpec[O]) {
	e := newRegistration(listenerName, spec.Defaults, spec.Check, Doc{
		Name: spec.Name, Summary: spec.Summary, Doc: spec.Doc, Leaf: true, Examples: spec.Examples,
	})
	listeners[spec.Name] = e
}

// RegisterSetting makes a setting known; see Register.
func RegisterSetting[O any](spec SettingSpec[O]) {
	e := newRegistration(settingName, spec.Defaults, spec.Check, Doc{
		Name: spec.Name, Summary: spec.Summary, Doc: spec.Doc, Leaf: true, Examples: spec.Examples,
	})
	registry[spec.Name] = e
}

// statementNames are names that mean something to the language itself.
var statementNames = []string{"let", "def", "include", "env", "id", "test", "property", "at", "expect", "event", "listen", "probe", "source", "else", "if", "acc", "regex"}

func newRegistration[O any](kind nameKind, defaults O, check func(O) error, doc Doc) *registration {
	e := &registration{Doc: doc, kind: kind, options: reflect.TypeFor[O](), defaults: reflect.ValueOf(defaults)}
	where := fmt.Sprintf("streams: %s %q", nameNouns[kind], doc.Name)
	taken := registry[doc.Name] != nil || slices.Contains(statementNames, doc.Name) || slices.Contains(eventFields, doc.Name)
	name := doc.Name
	switch kind {
	case listenerName:
		taken = listeners[name] != nil
	case sourceName:
		family, kind, _ := strings.Cut(name, ".")
		taken = observers[name] != nil || !slices.Contains(sourceFamilies, family)
		name = kind
	}
	switch {
	case name == "" || !isName(name):
		panic(where + " has no proper name")
	case taken:
		panic(where + " is a name that is taken")
	case doc.Summary == "":
		panic(where + " has no summary")
	case len(doc.Examples) == 0:
		panic(where + " has no example")
	}
	fields, err := optionFields(e.options)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", where, err))
	}
	e.fields = fields
	for i := range fields {
		e.Args = append(e.Args, fields[i].doc(e.defaults))
		e.branches = e.branches || fields[i].isBranch() && fields[i].place != placeElse
	}
	if check != nil {
		e.check = func(o reflect.Value) error { return check(o.Interface().(O)) }
	}
	return e
}

// Operators documents the operators, sorted by name.
func Operators() []Doc { return docs(registry, operatorName) }

// Sinks documents the sinks, sorted by name.
func Sinks() []Doc { return docs(registry, sinkName) }

// Listeners documents the listeners, sorted by name.
func Listeners() []Doc { return docs(listeners, listenerName) }

// Settings documents the settings, sorted by name.
func Settings() []Doc { return docs(registry, settingName) }

func docs(from map[string]*registration, kind nameKind) []Doc {
	var all []Doc
	for _, e := range from {
		if e.kind == kind {
			all = append(all, e.Doc)
		}
	}
	slices.SortFunc(all, func(a, b Doc) int { return strings.Compare(a.Name, b.Name) })
	return all
}
