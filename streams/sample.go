package streams

import "math"

func init() {
	Register(Spec[SampleOptions]{
		Name:    "sample",
		Summary: "Pass a fixed share of all keys: every event of a key, or none.",
		Doc:     "The key is the value of one or several expressions. Whether it is in the sample depends on the key alone, by a hash that is the same on every machine and in every run; a greater share contains every smaller one. sample(0.1, [host, service], …) passes about a tenth of the series.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o SampleOptions, next Stream) (Stream, error) {
			return &sampler{env: env, by: o.By, limit: shareLimit(o.Share), all: o.Share >= 1, next: next}, nil
		},
		Examples: []Example{{
			Title: "about half of the hosts",
			Rule:  `sample(0.5, host, out)`,
			Test:  `at(0, event({host: "web1"}), event({host: "web2"}), event({host: "web3"}), event({host: "web4"})), expect(out, [{host: "web2"}, {host: "web3"}, {host: "web4"}])`,
		}},
	})
}

// SampleOptions are the options of sample.
type SampleOptions struct {
	Share float64 `arg:"1" min:"0" max:"1" doc:"the share of keys that pass, from 0 to 1"`
	By    Keys    `arg:"2" doc:"an expression or a list of them: the key"`
}

type sampler struct {
	env   *Env
	by    Keys
	limit uint64 // keys with a smaller hash pass
	all   bool
	key   []byte
	next  Stream
}

// Push implements Stream.
func (n *sampler) Push(v Value) {
	if eventIn(n.env, v) == nil {
		return
	}
	n.key = appendKeys(n.key[:0], n.by, v)
	if n.all || hashKey(n.key) < n.limit {
		n.next.Push(v)
	}
}

// shareLimit returns what share of the range of a hash is.
func shareLimit(share float64) uint64 {
	if limit := math.Ldexp(share, 64); limit < math.MaxUint64 {
		return uint64(limit)
	}
	return math.MaxUint64
}

// hashKey is FNV-1a with a finish that spreads short keys over the whole range. Samples rest on it: it
// must never change.
func hashKey(key []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range key {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
