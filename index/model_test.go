package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"zeta/event"
	"zeta/query"
)

// model is an index as one would write it without a thought for speed.
type model struct {
	entries map[modelKey]*modelEntry
	created int
}

type modelKey struct {
	host, service string
	has           event.Presence
}

type modelEntry struct {
	e       event.Event
	base    int64
	created int
}

func (m *model) put(e *event.Event, now int64) {
	k := modelKey{e.Host, e.Service, e.Has & identity}
	if e.State == event.Expired {
		delete(m.entries, k)
		return
	}
	old := m.entries[k]
	if old == nil {
		m.created++
		old = &modelEntry{created: m.created}
		m.entries[k] = old
	}
	old.e, old.base = *e, e.Time
	if e.Has&event.HasTime == 0 || e.Time-now > 300*second || now-e.Time > 300*second {
		old.base = now
	}
}

func (m *model) expire(now int64) []string {
	var gone []*modelEntry
	for k, n := range m.entries {
		ttl := 60.0
		if n.e.Has&event.HasTTL != 0 && n.e.TTL > 0 {
			ttl = n.e.TTL
		}
		if float64(now-n.base) > ttl*1e6 {
			gone = append(gone, n)
			delete(m.entries, k)
		}
	}
	slices.SortFunc(gone, func(a, b *modelEntry) int { return a.created - b.created })
	var names []string
	for _, n := range gone {
		names = append(names, describe(&n.e))
	}
	return names
}

// describe writes all of an event but its Series.
func describe(e *event.Event) string {
	c := *e
	c.Series = nil
	return fmt.Sprintf("%+v", c)
}

func (m *model) search(q *query.Query) []string {
	var found []string
	for _, n := range m.entries {
		if q.Match(&n.e) {
			found = append(found, describe(&n.e))
		}
	}
	slices.Sort(found)
	return found
}

func TestModel(t *testing.T) {
	queries := []string{`true`, `host = "h1"`, `host = nil`, `service =~ "s1%"`, `service = nil or state = "bad"`, `host = "h0" and service = "s3"`, `not metric > 2 and service ~= "[12]$"`}
	rapid.Check(t, func(t *rapid.T) {
		x := New(Options{})
		m := &model{entries: map[modelKey]*modelEntry{}}
		now := int64(1_000 * second)
		x.Advance(now)
		draw := func() *event.Event {
			e := &event.Event{}
			if h := rapid.IntRange(-1, 3).Draw(t, "host"); h >= 0 {
				e.SetHost([]string{"", "h0", "h1", "h2"}[h])
			}
			if s := rapid.IntRange(-1, 30).Draw(t, "service"); s >= 0 {
				e.SetService(strings.TrimSuffix(fmt.Sprintf("s%d", s), "s0"))
			}
			if s := rapid.IntRange(0, 9).Draw(t, "state"); s > 3 {
				e.SetState("ok")
			} else if s > 1 {
				e.SetState("bad")
			} else if s > 0 {
				e.SetState(event.Expired)
			}
			if rapid.Bool().Draw(t, "timed") {
				e.SetTime(now + rapid.SampledFrom([]int64{0, 0, 1, -1, -30, -300, 300, -301, 301, 100000}).Draw(t, "late")*second)
			}
			if ttl := rapid.SampledFrom([]float64{-2, 0, 0.5, 5, 60, 1e300}).Draw(t, "ttl"); ttl != -2 {
				e.SetTTL(ttl)
			}
			e.SetInt(int64(rapid.IntRange(0, 5).Draw(t, "metric")))
			return e
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 8).Draw(t, "n") {
					e := draw()
					if rapid.Bool().Draw(t, "resolved") {
						e.Series = x.Resolve(e)
					}
					x.Put(e)
					m.put(e, now)
				}
			},
			"delete": func(t *rapid.T) {
				e := draw()
				x.Delete(e.Host, e.Service, e.Has)
				delete(m.entries, modelKey{e.Host, e.Service, e.Has & identity})
			},
			"pass": func(t *rapid.T) {
				now += rapid.SampledFrom([]int64{1, 500_000, second, 5 * second, 60 * second, 60*second + 1}).Draw(t, "time")
				x.Advance(now)
			},
			"expire": func(t *rapid.T) {
				var got []string
				n := x.Expire(now, func(e *event.Event) { got = append(got, describe(e)) })
				if want := m.expire(now); !slices.Equal(got, want) || n != len(want) {
					t.Fatalf("at %d expired\n%v, want\n%v", now, got, want)
				}
			},
			"": func(t *rapid.T) {
				if x.Len() != len(m.entries) {
					t.Fatalf("%d entries, want %d", x.Len(), len(m.entries))
				}
				check(t, x)
				for _, text := range queries {
					q := query.MustParse(text)
					events, err := x.Search(q, Limits{})
					if err != nil {
						t.Fatal(err)
					}
					var got []string
					for i := range events {
						got = append(got, describe(&events[i]))
					}
					slices.Sort(got)
					if want := m.search(q); !slices.Equal(got, want) {
						t.Fatalf("%s found\n%v, want\n%v", text, got, want)
					}
				}
			},
		})
	})
}

// check verifies what must hold of the structure between any two calls.
func check(t interface{ Fatalf(string, ...any) }, x *Index) {
	series, live, ids := 0, 0, map[uint32]bool{}
	for id, b := range x.blocks {
		if b == nil {
			continue
		}
		if int(b.id) != id || b.count == 0 {
			t.Fatalf("block %d has number %d and %d series", id, b.id, b.count)
		}
		count, vacant := 0, 0
		for n := range b.pages() {
			p := b.page(n)
			used := 0
			for i, s := range p.series {
				if s == nil {
					continue
				}
				used++
				if ids[s.ID] || s.HostID != b.id || int(s.Pos) != n<<pageBits|i || b.find(x, s.Service, s.Has) != s {
					t.Fatalf("series %+v is not at home at page %d place %d", s, n, i)
				}
				ids[s.ID] = true
				if p.entries[i].live() != (p.due[i] > tickVacant) {
					t.Fatalf("series %+v: live and due %d disagree", s, p.due[i])
				}
				if p.entries[i].live() {
					live++
					if p.due[i] < b.minDue {
						t.Fatalf("series %+v is due before its block", s)
					}
				} else {
					vacant++
				}
			}
			if used != int(p.used) {
				t.Fatalf("page %d of %q counts %d series, has %d", n, b.host, p.used, used)
			}
			count += used
		}
		if count != b.count || vacant != b.vacant {
			t.Fatalf("block %q counts %d series, %d vacant; has %d and %d", b.host, b.count, b.vacant, count, vacant)
		}
		series += count
	}
	st := x.Stats()
	if series != st.Series || live != st.Entries || len(x.ids.free)+series != int(x.ids.next) {
		t.Fatalf("%d series and %d entries, counted %+v, %d numbers free of %d", series, live, st, len(x.ids.free), x.ids.next)
	}
	refs := 0
	for _, s := range x.services.byName {
		refs += s.refs
	}
	if refs > series {
		t.Fatalf("%d references to services for %d series", refs, series)
	}
}
