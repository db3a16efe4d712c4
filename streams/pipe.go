package streams

import (
	"fmt"
	"maps"

	"github.com/expr-lang/expr/ast"
)

func init() {
	Register(Spec[PipeOptions]{
		Name:    "pipe",
		Summary: "Write streams below one another that would be nested.",
		Doc: `The marker, in each stage but the last, stands for the next stage. It may occur several times in a stage: all of them are the
same instance of the next one.`,
		Source: "riemann.streams/pipe",
		Clock:  "none",
		New: func(_ *Env, _ PipeOptions, next Stream) (Stream, error) {
			return next, nil
		},
		Examples: []Example{{
			Title: "three stages",
			Rule:  `pipe(_, where(metric > 1, _), scale(10, _), out)`,
			Test:  `at(0, event({metric: 1}), event({metric: 2})), expect(out, [{metric: 20}])`,
		}},
	})
}

// PipeOptions are the options of pipe.
type PipeOptions struct {
	Marker string `arg:"1" bind:"true" doc:"the name that stands for the next stage, usually _"`
	Stages Branch `arg:"2,rest" doc:"the stages, from the first to the last"`
}

// pipeline is a compiled pipe.
type pipeline struct {
	stages []part
	slots  []*slot // slots[i] stands for stages[i+1]
}

// pipe compiles pipe(marker, stages…). What reaches a stage is what the stage before gives its markers.
func (c *compiler) pipe(n ast.Node, args []ast.Node, x context) part {
	if len(args) < 2 {
		c.report(n.Location(), "pipe", plural(len(args), "argument")+", want a marker and stages", "write pipe(_, stage, …, last)", "")
		return nil
	}
	marker := identName(args[0])
	if marker == "" || !c.isNewName(marker) {
		c.report(nodeLocation(args[0]), "pipe", sourceText(args[0])+" is no new name", "the marker is a name that means nothing yet, usually _", "")
		return nil
	}
	p := &pipeline{stages: make([]part, len(args)-1), slots: make([]*slot, len(args)-2)}
	for i, stage := range args[1:] {
		y := x
		if i > 0 {
			s := p.slots[i-1]
			y.in, y.giver, y.given = s.in, s.giver, s.given
			if !s.used {
				y.in = Unknown
			}
		}
		if i < len(p.slots) {
			c.slots++
			p.slots[i] = &slot{id: c.slots}
			y.slots = maps.Clone(x.slots)
			if y.slots == nil {
				y.slots = map[string]*slot{}
			}
			y.slots[marker] = p.slots[i]
		}
		p.stages[i] = c.stream(stage, y)
		if i < len(p.slots) && !p.slots[i].used && p.stages[i] != nil {
			c.report(nodeLocation(stage), "pipe", fmt.Sprintf("this stage has no %s", marker), "nothing reaches the stages behind it", fmt.Sprintf("put %s where the next stage belongs", marker))
		}
	}
	return p
}

// build implements part.
func (p *pipeline) build(env *Env) Stream {
	next := Discard
	for i := len(p.stages) - 1; i >= 0; i-- {
		if i < len(p.slots) {
			if env.scope.slots == nil {
				env.scope.slots = map[int]Stream{}
			}
			env.scope.slots[p.slots[i].id] = next
		}
		if p.stages[i] == nil {
			continue
		}
		next = p.stages[i].build(env)
	}
	return next
}
