package wire

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"unicode/utf8"

	"zeta/event"
)

// seed keeps an attacker from choosing strings that share a slot.
var seed = maphash.MakeSeed()

// entry is what a cache remembers of one string of bytes.
type entry struct {
	raw  string     // the bytes, the key
	val  string     // raw as valid UTF-8
	set  *event.Set // for a run: its tags and attributes
	odd  *oddities  // for a run: what does not belong in the set; nil: nothing
	hash uint64
	next uint32 // slot of the entry that followed this one last time
	bad  bool   // raw is not valid UTF-8
}

// cache shares strings (or sets) among the events of one decoder. It is two-way set-associative: a key
// lives in one of two neighbouring slots, and a newcomer replaces one of them, so that the table never
// needs clearing and never exceeds max slots. It is made at the first use and grows when it evicts.
//
// Fast path: senders repeat themselves in the same order, so the entry that followed the last one the
// time before is compared first; a hit costs no hash. The hint is a slot number rather than a pointer:
// a chain of pointers would keep evicted entries alive without bound.
type cache struct {
	slots   []*entry
	last    *entry // the entry returned last; never nil once used
	evicted int    // since the last growth
	max     int    // slots, a power of two
	longest int    // longer keys are not kept
}

const firstSlots = 64

// guess returns the entry expected to come next, or nil.
func (c *cache) guess() *entry {
	if c.last == nil {
		return nil
	}
	if i := int(c.last.next); i < len(c.slots) {
		return c.slots[i]
	}
	return nil
}

// get returns the entry of the string b.
func (c *cache) get(b []byte) *entry {
	if e := c.guess(); e != nil && e.raw == string(b) {
		c.last = e
		return e
	}
	if e := c.find(b); e != nil {
		return e
	}
	e := &entry{raw: string(b)}
	e.val, e.bad = validText(e.raw)
	c.add(e)
	return e
}

// find looks b up by its hash; nil: it is not here.
func (c *cache) find(b []byte) *entry {
	if len(b) > c.longest || len(c.slots) == 0 {
		return nil
	}
	h := maphash.Bytes(seed, b)
	i := c.home(h)
	for ; ; i++ {
		e := c.slots[i]
		if e != nil && e.hash == h && e.raw == string(b) {
			c.follow(i, e)
			return e
		}
		if i&1 != 0 {
			return nil
		}
	}
}

// add puts e, whose raw is set, into the table unless it is too long.
func (c *cache) add(e *entry) {
	if len(e.raw) > c.longest {
		return
	}
	switch {
	case len(c.slots) == 0:
		c.slots = make([]*entry, firstSlots)
	case c.evicted > len(c.slots)/2 && len(c.slots) < c.max:
		c.grow()
	}
	e.hash = maphash.String(seed, e.raw)
	i := c.place(e)
	c.follow(i, e)
}

// follow notes that e, in slot i, came after the last entry.
func (c *cache) follow(i int, e *entry) {
	if c.last != nil {
		c.last.next = uint32(i)
	}
	c.last = e
}

// home is the first of the two slots of a hash.
func (c *cache) home(h uint64) int {
	hi, _ := bits.Mul64(h, uint64(len(c.slots)/2))
	return int(hi) * 2
}

// place stores e in one of its two slots and returns which.
func (c *cache) place(e *entry) int {
	i := c.home(e.hash)
	switch {
	case c.slots[i] == nil:
	case c.slots[i+1] == nil:
		i++
	default:
		c.evicted++
		i += c.evicted & 1
	}
	c.slots[i] = e
	return i
}

func (c *cache) grow() {
	old := c.slots
	c.slots = make([]*entry, 2*len(old))
	for _, e := range old {
		if e != nil {
			c.place(e)
		}
	}
	c.evicted = 0
}

// validText returns s with invalid UTF-8 replaced by U+FFFD, and whether there was any.
func validText(s string) (string, bool) {
	if utf8.ValidString(s) {
		return s, false
	}
	return strings.ToValidUTF8(s, "\uFFFD"), true
}

// cutText shortens s to at most n bytes without splitting a character.
func cutText[T string | []byte](s T, n int) T {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
