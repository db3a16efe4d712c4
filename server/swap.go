package server

import (
	"fmt"
	"runtime/debug"
	"time"

	"zeta/journal"
	"zeta/streams"
)

// Swapped says what a Swap has done.
type Swapped struct {
	Moved streams.Moved // what became of the state
	Held  time.Duration // how long the engine's lock was held
}

// Swap replaces the rules between two batches: it builds the graph of the new ones, moves the state of nodes
// with equal identities over, applies the settings and closes the old graph. After an error the old rules go on.
//
// The graph is built under the lock although that takes a microsecond or two for each operator: windows start
// at the stamp of the swap, so that a journal with the rules and that stamp repeats the run.
func (e *Engine) Swap(rules *streams.Rules) (Swapped, error) {
	text := e.text(rules)
	e.mu.Lock()
	defer e.mu.Unlock()
	began := time.Now()
	now := e.stamp.next()
	e.advance(now)
	next, moved, err := e.build(rules)
	if err != nil {
		return Swapped{}, err
	}
	if e.journal != nil {
		if err := e.append(journal.KindRules, now, []byte(text)); err != nil {
			next.Close()
			return Swapped{}, err
		}
	}
	e.install(rules, next, text)
	e.hub.Flush()
	return Swapped{moved, time.Since(began)}, nil
}

// swap is Swap under the lock, at the present time of the clock, and is not recorded.
func (e *Engine) swap(rules *streams.Rules) error {
	next, _, err := e.build(rules)
	if err == nil {
		e.install(rules, next, e.text(rules))
	}
	return err
}

// text is what the journal holds of rules; "" where there is none.
func (e *Engine) text(rules *streams.Rules) string {
	if e.describe == nil {
		return ""
	}
	return e.describe(rules)
}

// install has next run instead of the present graph.
func (e *Engine) install(rules *streams.Rules, next *streams.Graph, text string) {
	if e.graph != nil {
		e.graph.Close()
	}
	e.graph, e.rulesText = next, text
	if o, ok := rules.Settings["expire"].(streams.ExpireOptions); ok {
		e.expiry.set(o)
	}
	e.arm()
}

// build makes the graph of rules and gives it the state of the present one.
func (e *Engine) build(rules *streams.Rules) (next *streams.Graph, moved streams.Moved, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.count.panics++
			e.log.Error("panic", "in", "the change of rules", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("change rules: internal error: %v; the stack is in the server's log", p)
		}
		if err != nil && next != nil {
			next.Close()
		}
	}()
	if next, err = rules.Build(e.rt); err != nil {
		return nil, moved, fmt.Errorf("build rules: %w", err)
	}
	if e.graph == nil {
		return next, moved, nil
	}
	var s streams.Saver
	e.graph.Save(&s)
	if moved, err = next.Move(streams.NewLoader(s.Bytes())); err != nil {
		return next, moved, fmt.Errorf("move state to the new rules: %w", err)
	}
	return next, moved, nil
}
