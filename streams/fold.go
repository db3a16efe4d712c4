package streams

import (
	"slices"
	"strings"

	"zeta/event"
)

// FoldSpec describes a fold whole: it makes one event, or a list of events, out of a window. Folds are
// named where an operator takes a Fold or a Mapper: smap(max, …), smapcat(sortedSample([0, 0.5, 1]), …).
//
// A result is a copy of one of the events (the template) with another metric, or an event of the window
// itself. NaN is never taken into a result: to a fold, an event whose metric is NaN has no metric. A result
// that is undetermined (∞−∞) leaves without a metric.
type FoldSpec struct {
	Name    string
	Alias   string // a second name; "": none
	Summary string
	Doc     string
	Source  string // e.g. "riemann.folds/sum"
	Differs string // from Riemann; "" for the same semantics
	Points  bool   // called with points: sortedSample([0, 0.5, 1])

	// Exactly one of One and List is set. Both may be called with an empty window and with nil elements;
	// now is the engine's clock in microseconds. The results share events with the window.
	One  func(now int64, w []*event.Event) (*event.Event, error)                  // nil: nothing
	List func(now int64, points Points, w []*event.Event) ([]*event.Event, error) // the result is a window
	// Plain folds the values of one field, as foldInterval does; none of them is missing. A missing result
	// is nothing. nil: the fold is not possible there.
	Plain func(values []Datum) (Datum, error)

	Examples []Example
}

// Folds returns every fold, sorted by name.
func Folds() []FoldSpec {
	all := slices.Concat(arithmeticFolds, selectingFolds, countingFolds)
	slices.SortFunc(all, func(a, b FoldSpec) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// foldByName returns the fold that goes by name.
func foldByName(name string) (*FoldSpec, bool) {
	for _, group := range [...][]FoldSpec{arithmeticFolds, selectingFolds, countingFolds} {
		for i := range group {
			if f := &group[i]; f.Name == name || f.Alias != "" && f.Alias == name {
				return f, true
			}
		}
	}
	return nil, false
}

// Bind returns the fold as operators use it, called with points. clock is the engine's, which count reads.
func (f *FoldSpec) Bind(clock *Clock, points Points) Fold {
	bound := Fold{Name: f.Name, List: f.List != nil, plain: f.Plain}
	if f.List != nil {
		bound.apply = func(w []*event.Event) ([]*event.Event, error) { return f.List(clock.Now(), points, w) }
		return bound
	}
	bound.apply = func(w []*event.Event) ([]*event.Event, error) {
		e, err := f.One(clock.Now(), w)
		if err != nil || e == nil {
			return nil, err
		}
		return []*event.Event{e}, nil
	}
	return bound
}

// firstEvent returns the first event that is not nil, which most folds use as template; nil if there is none.
func firstEvent(w []*event.Event) *event.Event {
	for _, e := range w {
		if e != nil {
			return e
		}
	}
	return nil
}

// withMetric returns a copy of the template with the metric n.
func withMetric(template *event.Event, n number) *event.Event {
	c := *template
	setMetric(&c, n)
	return &c
}
