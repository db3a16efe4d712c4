package streams

import (
	stdcontext "context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// SourceSpec describes what probe.NAME(…) or source.NAME(…) takes: something that zeta observes itself.
type SourceSpec[O any] struct {
	Name     string // with its family: "probe.tcp", "source.exec"
	Summary  string
	Doc      string
	Defaults O
	Check    func(o O) error
	// Open makes what looks. It is called when the rules are put to work, never by a check, and opens nothing
	// that lasts longer than a look.
	Open     func(o O, log *slog.Logger) (Source, error)
	Examples []Example // with Rule only
}

// Source is looked at again and again by one goroutine at a time.
type Source interface {
	// Schedule says how often to look and how long a look may take.
	Schedule() (every, timeout time.Duration)
	// Look observes once; the events are the caller's. A failure to observe is an event, too. It returns soon
	// after ctx is done.
	Look(ctx stdcontext.Context) []event.Event
}

// RegisterSource makes probe.NAME or source.NAME known; see Register.
func RegisterSource[O any](spec SourceSpec[O]) {
	if spec.Open == nil {
		panic(fmt.Sprintf("streams: source %s has no Open", spec.Name))
	}
	e := newRegistration(sourceName, spec.Defaults, spec.Check, Doc{
		Name: spec.Name, Summary: spec.Summary, Doc: spec.Doc, Leaf: true, Examples: spec.Examples,
	})
	e.look = func(o any, log *slog.Logger) (Source, error) { return spec.Open(o.(O), log) }
	observers[spec.Name] = e
}

// Sources documents the probes and sources, sorted by name.
func Sources() []Doc { return docs(observers, sourceName) }

// sourceFamilies are the words before the dot of what zeta observes itself.
var sourceFamilies = []string{"probe", "source"}

// SourceDeclaration is a probe.KIND(…) or source.KIND(…) statement.
type SourceDeclaration struct {
	Declaration
	open func(o any, log *slog.Logger) (Source, error)
}

// Open makes what looks.
func (d SourceDeclaration) Open(log *slog.Logger) (Source, error) { return d.open(d.Options, log) }

// source takes in probe.KIND(…) and source.KIND(…).
func (l *load) source(n *ast.CallNode, callee *ast.MemberNode) {
	family := identName(callee.Node)
	known := slices.DeleteFunc(slices.Sorted(maps.Keys(observers)), func(name string) bool { return !strings.HasPrefix(name, family+".") })
	kind, _ := callee.Property.(*ast.StringNode)
	if kind == nil {
		l.report(n.Location(), family, "a "+family+" without a kind", "there are "+strings.Join(known, ", "), "")
		return
	}
	name := family + "." + kind.Value
	r := observers[name]
	if r == nil {
		l.report(callee.Location(), family, fmt.Sprintf("unknown %s %q", family, kind.Value), "there are "+strings.Join(known, ", "), didYouMean(name, known))
		return
	}
	if len(l.rules.Sources) >= maxSources {
		l.report(n.Location(), name, fmt.Sprintf("more than %d sources", maxSources), "", "")
		return
	}
	at := l.src.position(n.Location().From)
	if o, ok := l.declared(n, r, n.Arguments); ok {
		l.rules.Sources = append(l.rules.Sources, SourceDeclaration{
			Declaration: Declaration{Kind: name, Options: o, Pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col)},
			open:        r.look,
		})
	}
}
