package event

import (
	"slices"
	"strings"
)

// Attr is one attribute. Keys may hold any character.
type Attr struct{ Key, Value string }

// Set is an immutable bundle of tags and attributes, shared by the events that carry it. Make one with
// NewSet and never change it.
type Set struct {
	Tags  []string // in order, duplicates kept; nil: no tags, empty: an empty list
	Attrs []Attr   // sorted by key, keys unique
}

// NewSet takes ownership of both slices. Of several attributes with one key the last wins. It returns nil
// when both are nil.
func NewSet(tags []string, attrs []Attr) *Set {
	if tags == nil && len(attrs) == 0 {
		return nil
	}
	if len(attrs) > 1 {
		slices.SortStableFunc(attrs, func(a, b Attr) int { return strings.Compare(a.Key, b.Key) })
		kept := attrs[:1]
		for _, a := range attrs[1:] {
			if a.Key == kept[len(kept)-1].Key {
				kept[len(kept)-1] = a
			} else {
				kept = append(kept, a)
			}
		}
		attrs = kept
	}
	return &Set{Tags: tags, Attrs: attrs}
}

// Attr returns the value of the attribute key.
func (s *Set) Attr(key string) (string, bool) {
	for i := range s.Attrs {
		if s.Attrs[i].Key == key {
			return s.Attrs[i].Value, true
		}
	}
	return "", false
}

// HasTag reports whether tag is among the tags.
func (s *Set) HasTag(tag string) bool { return s != nil && slices.Contains(s.Tags, tag) }

// WithTags returns a set with these tags and the attributes of s, which may be nil. It takes ownership of tags.
func (s *Set) WithTags(tags []string) *Set {
	if s == nil {
		return NewSet(tags, nil)
	}
	if tags == nil && len(s.Attrs) == 0 {
		return nil
	}
	return &Set{Tags: tags, Attrs: s.Attrs}
}

// WithAttr returns a set with the attribute key set to value.
func (s *Set) WithAttr(key, value string) *Set {
	var tags []string
	var attrs []Attr
	if s != nil {
		tags = s.Tags
		attrs = make([]Attr, len(s.Attrs), len(s.Attrs)+1)
		copy(attrs, s.Attrs)
	}
	return NewSet(tags, append(attrs, Attr{key, value}))
}

// WithoutAttr returns a set without the attribute key.
func (s *Set) WithoutAttr(key string) *Set {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Attrs, func(a Attr) bool { return a.Key == key })
	if i < 0 {
		return s
	}
	return NewSet(s.Tags, slices.Delete(slices.Clone(s.Attrs), i, i+1))
}

// Equal reports whether both hold the same tags in the same order and the same attributes.
func (s *Set) Equal(o *Set) bool {
	if s == o {
		return true
	}
	if s == nil || o == nil {
		return false
	}
	return (s.Tags == nil) == (o.Tags == nil) && slices.Equal(s.Tags, o.Tags) && slices.Equal(s.Attrs, o.Attrs)
}

// Series is one (host, service) pair known to the index. The identity never changes once it is
// published and may be read without a lock; everything else belongs to the engine.
type Series struct {
	Host, Service string
	Has           Presence // HasHost, HasService
	Turn          uint8    // differs from that of the series that had the ID before
	ID            uint32   // dense, from 0; reused after the series has been forgotten
	HostID        uint32   // dense number of the host; reused likewise
	Pos           uint32   // place in the host's block of the index; the index's own
}
