package streams

import (
	"slices"

	"zeta/event"
)

func init() {
	Register(Spec[TagOptions]{
		Name:    "tag",
		Summary: "Add tags.",
		Doc:     "The given tags come first, then those the event had; duplicates are removed, the first of each stays. So a tag that was there already moves to the front.",
		Source:  "riemann.streams/tag",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o TagOptions, next Stream) (Stream, error) {
			return newRetag(env, next, func(old []string) []string { return addTags(o.Tags, old) }), nil
		},
		Examples: []Example{{
			Title: "one tag",
			Rule:  `tag("prod", out)`,
			Test:  `at(0, event({tags: ["web"]}), event({service: "none"})), expect(out, [{tags: ["prod", "web"]}, {tags: ["prod"]}])`,
		}},
	})
	Register(Spec[TagOptions]{
		Name:    "untag",
		Summary: "Remove tags.",
		Doc:     "The other tags keep their order. An event without tags leaves with an empty list of them.",
		Source:  "riemann.streams/untag",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o TagOptions, next Stream) (Stream, error) {
			return newRetag(env, next, func(old []string) []string { return removeTags(o.Tags, old) }), nil
		},
		Examples: []Example{{
			Title: "one tag",
			Rule:  `untag("debug", out)`,
			Test:  `at(0, event({tags: ["debug", "web"]})), expect(out, [{tags: ["web"]}])`,
		}},
	})
}

// TagOptions are the options of tag and untag.
type TagOptions struct {
	Tags []string `arg:"1" doc:"a tag or a list of tags"`
}

func addTags(tags, old []string) []string {
	all := make([]string, 0, len(tags)+len(old))
	for _, list := range [...][]string{tags, old} {
		for _, t := range list {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

func removeTags(tags, old []string) []string {
	rest := make([]string, 0, len(old))
	for _, t := range old {
		if !slices.Contains(tags, t) {
			rest = append(rest, t)
		}
	}
	return rest
}

// maxKnownSets bounds the sets that retag and enrich remember. Senders repeat themselves: a series comes with
// the same set every time.
const maxKnownSets = 16_384

// retag changes the tags of events. Sets are shared and immutable, so it changes each set once and
// remembers the result; past maxKnownSets it forgets them all and starts over.
type retag struct {
	env    *Env
	change func(old []string) []string
	next   Stream
	known  map[*event.Set]*event.Set
	copy   event.Event
}

func newRetag(env *Env, next Stream, change func(old []string) []string) Stream {
	return &retag{env: env, change: change, next: next, known: make(map[*event.Set]*event.Set)}
}

// Push implements Stream.
func (n *retag) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	set, ok := n.known[e.Set]
	if !ok {
		set = n.learn(e.Set)
	}
	if set == e.Set {
		n.next.Push(v)
		return
	}
	n.copy = *e
	n.copy.Set = set
	n.next.Push(Value{Event: &n.copy})
}

// learn works out the changed set; it is the old one where nothing changes.
func (n *retag) learn(old *event.Set) *event.Set {
	if len(n.known) >= maxKnownSets {
		clear(n.known)
	}
	var tags []string
	if old != nil {
		tags = old.Tags
	}
	set := old
	if changed := n.change(tags); tags == nil || !slices.Equal(changed, tags) {
		set = old.WithTags(changed)
	}
	n.known[old] = set
	return set
}
