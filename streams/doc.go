// Package streams is the rule language: it loads rule files, compiles them to a graph of operators, runs
// events through it, and runs the tests that stand in the files.
//
// Vocabulary: a rule file holds statements; a statement that is a stream is an operator with its arguments
// and, last, its children, which get what it gives. A value that travels is an event or a window of events. A
// node is one place in the rules, an instance is what runs there: by makes instances of its children for each
// key, a fork. A sink is an operator that leads outside. A problem is a mistake in a file.
//
//	rules, problems := streams.Load([]string{"zeta.expr"}, streams.LoadOptions{Serve: true})
//	graph, err := rules.Build(&streams.Runtime{Clock: clock, Index: x, Deliver: sinks.Deliver})
//	graph.Advance(now)                     // runs the timers that are due
//	graph.Push(streams.EventValue(&e))     // e is lent
//	graph.Save(&saver)                     // and Load into the next graph
//
// Operators, sinks, listeners and settings register themselves, each in one place with its documentation,
// options, bounds and examples: see Spec. Expressions are compiled to closures: see compileExpr.
//
// Guarantees:
//   - Load reports every mistake of every file at once, with its place, and gives no rules if there is one.
//     It never panics and its work is bounded, whatever the text. Rules that load can be built.
//   - A Graph belongs to one writer. Its nodes take no locks, start no goroutines and read no clock but the
//     engine's: the same values and times give the same output.
//   - Values are lent for the duration of Push, and events are immutable; who keeps or changes one copies it.
//   - Children run in the order written. What an operator cannot deal with is a failure (Env.Fail): it
//     is counted, told, and stops no sibling.
//   - State follows the identity of its node, see statePath, across reload and restart; every operator saves
//     and loads all of it, timers included.
//   - What grows has a maximum; reaching it is counted and told (Env.Overload).
//   - An event of a known series allocates nothing on its way through operators that emit nothing.
package streams
