package streams

import "fmt"

// Word documents a word that means something to the language itself, or a field of the event.
type Word struct {
	Name    string
	Form    string // how it is written
	Summary string
	Doc     string
	Args    []ArgDoc // options; nil: none
}

// Statements documents the words of the language itself, in the order in which one comes to need them.
func Statements() []Word {
	return []Word{
		{Name: "let", Form: "let NAME = stream or value", Summary: "Give a stream or a value a name.",
			Doc: "A stream with a name is one instance, wherever the name stands; its state goes by the name. It runs where the name is used."},
		{Name: "def", Form: "def(name(parameter, …), stream)", Summary: "Define a template, which is put in at each use.",
			Doc: "name(argument, …) stands for the stream with the arguments in the places of the parameters. Each use has a state of its own."},
		{Name: "include", Form: `include("rules.d/*.expr")`, Summary: "Read other files of rules.", Doc: "Names are relative to the file where the statement stands; each file is read once."},
		{Name: "listen", Form: "listen.KIND(address, {…})", Summary: "Open a door for events.", Doc: "If any file has one, only these are open. `zeta operators listen.tcp` tells about one kind."},
		{Name: "id", Form: `id("name", stream)`, Summary: "Give the state of a stream a name of its own, which it keeps when rules around it change."},
		{Name: "env", Form: `env("NAME")`, Summary: "The value of an environment variable.", Doc: "One that is not set is an empty text in tests and checks, and a mistake when the rules are to run."},
		{Name: "else", Form: "else(stream, …)", Summary: "Among the children of where or between: what the condition does not hold for."},
		{Name: "regex", Form: `regex("…")`, Summary: "A regular expression as a pattern of match; elsewhere write text matches \"…\"."},
		{Name: "test", Form: `test("name", at(seconds, event({…})), expect(name, [{…}]))`, Summary: "Try an example with the rules, in virtual time.",
			Doc: "Each test starts with fresh rules at time 0. `zeta test FILE` runs them; nothing is sent."},
		{Name: "at", Form: "at(seconds, event({…}), …)", Summary: "A step of a test: timers due by then run, then the events come.",
			Doc: "The time is seconds or a duration such as \"1h\". An event without a time gets that of the step. The index is swept meanwhile, so that what passes its ttl makes an expired event. at(t) only lets time pass."},
		{Name: "expect", Form: "expect(name, [{…}, …])", Summary: "What a named stream, a tap or a sink has seen at the end of a test, in order.",
			Doc: "Of each value only the fields named are compared; nil says that a field is missing. A window is a list of events."},
		{Name: "property", Form: `property("name", over({…}), never(name, condition), …)`, Summary: "Say what holds whatever comes in; it is tried with events made at random.",
			Doc: "Checks are never(name, condition), always(name, condition), eventually(name, condition) and atMost(name, number, \"1h\", [keys]). " +
				"The fewest events that break it are printed as a test. The arguments are those of over, all of which can be left out.",
			Args: overEntry().Args},
	}
}

// Fields documents the fields of an event, and event, as expressions see them.
func Fields() []Word {
	return []Word{
		{Name: "host", Form: "host string", Summary: "The machine the event comes from."},
		{Name: "service", Form: "service string", Summary: "What is observed there."},
		{Name: "state", Form: "state string", Summary: "Such as ok, warning, critical; expired once the event has outlived its ttl."},
		{Name: "description", Form: "description string", Summary: "A text for people."},
		{Name: "metric", Form: "metric number", Summary: "The measured value."},
		{Name: "time", Form: "time number", Summary: "When it was observed, in seconds since 1970."},
		{Name: "ttl", Form: "ttl number", Summary: "Seconds after which the event counts as silent; missing means 60."},
		{Name: "tags", Form: "tags list", Summary: "Strings; never missing, only empty."},
		{Name: "attributes", Form: "attributes map", Summary: "From strings to strings; never missing, only empty: attributes.NAME or attributes[\"any name\"]."},
		{Name: "event", Form: "event", Summary: "The whole input: an event, or a window, of which event[0] is the first event."},
	}
}

// Flow says what an operator takes and gives; "" of anything else.
func (d *Doc) Flow() string {
	if !d.operator {
		return ""
	}
	takes := d.In.String()
	if d.takesByArgs {
		takes = "what its argument takes"
	}
	gives := d.Out.String()
	switch {
	case d.Leaf:
		return "takes " + takes
	case d.givesByArgs:
		gives = "events or windows, as its arguments say"
	case d.Out == Either:
		gives = "the same"
	}
	return fmt.Sprintf("takes %s, gives %s", takes, gives)
}

// Nearest returns the name among names that name is most likely meant to be; "" if none is near.
func Nearest(name string, names []string) string { return nearest(name, names) }
