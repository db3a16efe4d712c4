package wire

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"zeta/event"
)

// seed keeps an attacker from choosing strings that share a slot.
var seed = maphash.MakeSeed()

// entry is what a cache remembers of one string of bytes.
type entry struct {
	raw    string     // the bytes, the key
	val    string     // raw as valid UTF-8
	set    *event.Set // for a run: its tags and attributes
	odd    *oddities  // for a run: what does not belong in the set; nil: nothing
	hash   uint32
	next   uint32  // slot of the entry that followed this one last time
	ttl    float32 // for a run, if hasTTL
	hasTTL bool
	bad    bool // raw is not valid UTF-8
}

// cache shares strings (or sets) among the events of one decoder. Its slots come in pairs and a key has two
// pairs to live in, so that even a table that is half full rarely has no slot for a newcomer. When it has
// none the table doubles up to max slots, and from then on the newcomer replaces another: the table never
// needs clearing and never exceeds its bound. It is made at the first use.
//
// Fast path: senders repeat themselves in the same order, so the entry that followed the last one the
// time before is compared first; a hit costs no hash. The hint is a slot number rather than a pointer:
// a chain of pointers would keep evicted entries alive without bound.
type cache struct {
	shared  func([]byte) (string, bool) // see Decoder.Hosts
	slots   []*entry
	last    *entry // the entry returned last; nil: none yet
	evicted int
	max     int // slots, a power of two up to 65,536
	longest int // longer keys are not kept
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
	raw, ok := "", false
	if c.shared != nil {
		raw, ok = c.shared(b)
	}
	if !ok {
		raw = string(b)
	}
	e := entry{raw: raw}
	e.val, e.bad = validText(raw)
	return c.add(&e)
}

// find looks b up by its hash; nil: it is not here.
func (c *cache) find(b []byte) *entry {
	if len(b) > c.longest || len(c.slots) == 0 {
		return nil
	}
	h := uint32(maphash.Bytes(seed, b))
	first, second := c.homes(h)
	for _, i := range [...]int{first, first + 1, second, second + 1} {
		if e := c.slots[i]; e != nil && e.hash == h && e.raw == string(b) {
			c.follow(i, e)
			return e
		}
	}
	return nil
}

// add puts a copy of e, whose raw is set, into the table unless it is too long, and returns the copy. The copy
// takes the place in memory of the entry it replaces, so that a sender of more hosts than there are slots makes
// no garbage. Whoever still points there, as a guess does, finds a whole entry, if another one.
func (c *cache) add(e *entry) *entry {
	if len(e.raw) > c.longest {
		kept := *e
		return &kept
	}
	if len(c.slots) == 0 {
		c.slots = make([]*entry, firstSlots)
	}
	e.hash = uint32(maphash.String(seed, e.raw))
	i, free := c.room(e.hash)
	for !free && len(c.slots) < c.max {
		c.grow()
		i, free = c.room(e.hash)
	}
	if !free {
		c.evicted++
	} else {
		c.slots[i] = new(entry)
	}
	*c.slots[i] = *e
	c.follow(i, c.slots[i])
	return c.slots[i]
}

// follow notes that e, in slot i, came after the last entry.
func (c *cache) follow(i int, e *entry) {
	if c.last != nil {
		c.last.next = uint32(i)
	}
	c.last = e
}

// homes returns the first slots of the two pairs of a hash.
func (c *cache) homes(h uint32) (first, second int) {
	mask := uint32(len(c.slots) - 1)
	return int(h & mask &^ 1), int(h >> 16 & mask &^ 1)
}

// room returns an empty slot for a hash, or else the one whose entry has to go, each of the four in turn.
func (c *cache) room(h uint32) (slot int, free bool) {
	first, second := c.homes(h)
	four := [...]int{first, second, first + 1, second + 1}
	for _, i := range four {
		if c.slots[i] == nil {
			return i, true
		}
	}
	return four[c.evicted&3], false
}

// grow doubles the table. An entry that finds no slot in it is forgotten.
func (c *cache) grow() {
	old := c.slots
	c.slots = make([]*entry, 2*len(old))
	for _, e := range old {
		if e == nil {
			continue
		}
		if i, free := c.room(e.hash); free {
			c.slots[i] = e
		}
	}
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
	for i := n; i > n-utf8.UTFMax && i >= 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
