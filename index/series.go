package index

import (
	"strings"

	"zeta/event"
)

const identity = event.HasHost | event.HasService

// Resolve returns the series of e's host and service, making it known if it is not; nil when a cap is
// reached. It does not change e. The series that follow one another in a host's messages are found without
// hashing, and so is one that e.Series already holds.
func (x *Index) Resolve(e *event.Event) *event.Series {
	if s := e.Series; s != nil && x.owns(s) && identifies(s, e) {
		x.blocks[s.HostID].use(s)
		return s
	}
	// Fast path: the series follows the last one of its host.
	b := x.last
	if b == nil || b.host != e.Host || b.missing != (e.Has&event.HasHost == 0) {
		if b = x.block(e.Host, e.Has); b == nil {
			return x.create(nil, e)
		}
		x.last = b
	}
	if !b.stray {
		if s := b.at(b.next); s != nil && s.Service == e.Service && s.Has&event.HasService == e.Has&event.HasService {
			b.use(s)
			return s
		}
	}
	return x.resolve(b, e)
}

// Slow path: by name.
func (x *Index) resolve(b *block, e *event.Event) *event.Series {
	s := b.find(x, e.Service, e.Has)
	if s == nil {
		return x.create(b, e)
	}
	b.stray = s.Pos != b.next
	b.use(s)
	return s
}

// identifies reports whether s is the identity of e.
func identifies(s *event.Series, e *event.Event) bool {
	return s.Service == e.Service && s.Host == e.Host && s.Has == e.Has&identity
}

// owns reports whether s is known now: an event may carry one that has been forgotten.
func (x *Index) owns(s *event.Series) bool {
	if int(s.HostID) >= len(x.blocks) {
		return false
	}
	b := x.blocks[s.HostID]
	return b != nil && b.at(s.Pos) == s
}

// use notes that s was asked for: the next one is expected behind it, and it is not idle.
func (b *block) use(s *event.Series) {
	p, i := b.locate(s)
	if p.due[i] == 0 {
		p.due[i] = tickVacant
	}
	b.next = s.Pos + 1
	if i+1 == len(p.series) && int(s.Pos>>pageBits)+1 == b.pages() {
		b.next = 0
	}
}

// block returns the block of a host, nil if there is none. For the engine.
func (x *Index) block(host string, has event.Presence) *block {
	if has&event.HasHost == 0 {
		return x.noHost
	}
	return x.hosts[host]
}

// HostName returns the index's own string of a host's name, if the host is known. Safe for concurrent use.
func (x *Index) HostName(name []byte) (string, bool) {
	x.mu.RLock()
	b := x.hosts[string(name)]
	x.mu.RUnlock()
	if b == nil {
		return "", false
	}
	return b.host, true
}

// create makes the series of e known, and its host if b is nil; nil at a cap.
func (x *Index) create(b *block, e *event.Event) *event.Series {
	if int(x.series.Load()) >= x.opts.MaxSeries || b != nil && b.count >= x.opts.MaxPerHost {
		x.unresolved.Add(1)
		return nil
	}
	if b == nil {
		b = x.addHost(e.Host, e.Has)
		x.last = b
	}
	name, number := x.services.take(e.Service, e.Has)
	s := &event.Series{
		Host: b.host, Service: name, Has: e.Has & identity,
		ID: x.ids.take(), HostID: b.id, Pos: b.place(),
	}
	if int(s.ID) == len(x.turns) {
		x.turns = append(x.turns, 0)
	} else {
		x.turns[s.ID]++
		s.Turn = x.turns[s.ID]
	}
	b.mu.Lock()
	b.add(s, number)
	b.insertName(x, s)
	b.mu.Unlock()
	b.use(s)
	x.series.Add(1)
	return s
}

func (x *Index) addHost(host string, has event.Presence) *block {
	b := &block{host: strings.Clone(host), missing: has&event.HasHost == 0, id: x.hostIDs.take(), minDue: tickLast}
	x.mu.Lock()
	defer x.mu.Unlock()
	if int(b.id) == len(x.blocks) {
		x.blocks = append(x.blocks, b)
	} else {
		x.blocks[b.id] = b
	}
	if b.missing {
		b.host, x.noHost = "", b
	} else {
		x.hosts[b.host] = b
	}
	x.hostCount.Add(1)
	return b
}

// forget gives back a vacant series, and its host if it was the last one.
func (x *Index) forget(b *block, s *event.Series) {
	x.services.give(s)
	x.ids.give(s.ID)
	b.mu.Lock()
	b.removeName(x, s)
	b.remove(s)
	b.mu.Unlock()
	x.series.Add(-1)
	x.forgotten.Add(1)
	if b.count > 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.blocks[b.id] = nil
	if b.missing {
		x.noHost = nil
	} else {
		delete(x.hosts, b.host)
	}
	x.hostIDs.give(b.id)
	x.hostCount.Add(-1)
	if x.last == b {
		x.last = nil
	}
}

// take returns the shared string of a service and its number, for one more series.
func (v *services) take(name string, has event.Presence) (string, uint32) {
	if has&event.HasService == 0 {
		return "", 0
	}
	s := v.byName[name]
	if s == nil {
		name = strings.Clone(name)
		s = &service{name: name, id: v.ids.take()}
		v.byName[name] = s
	}
	s.refs++
	return s.name, s.id
}

// give says that a series is gone.
func (v *services) give(of *event.Series) {
	s := v.byName[of.Service]
	if of.Has&event.HasService == 0 || s == nil {
		return
	}
	if s.refs--; s.refs == 0 {
		delete(v.byName, s.name)
		v.ids.give(s.id)
	}
}
