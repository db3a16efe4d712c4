package overload

import "runtime/metrics"

// heap is what Go says about its memory.
type heap struct {
	bytes  int64  // that are in use: what was reachable when it looked last, stacks, its own tables
	taken  int64  // bytes that it has of the system, garbage and gaps between objects included
	cycles uint64 // collections that have ended
}

const (
	memTotal = iota
	memFree
	memReleased
	memObjects
	memLive
	memUnused
	memCycles
)

// meter reads Go's figures. It belongs to one goroutine.
type meter [7]metrics.Sample

func newMeter() *meter {
	return &meter{
		memTotal:    {Name: "/memory/classes/total:bytes"},
		memFree:     {Name: "/memory/classes/heap/free:bytes"},
		memReleased: {Name: "/memory/classes/heap/released:bytes"},
		memObjects:  {Name: "/memory/classes/heap/objects:bytes"},
		memLive:     {Name: "/gc/heap/live:bytes"},
		memUnused:   {Name: "/memory/classes/heap/unused:bytes"},
		memCycles:   {Name: "/gc/cycles/total:gc-cycles"},
	}
}

// read looks. Garbage does not count, as far as the last collection has found it.
func (m *meter) read() heap {
	metrics.Read(m[:])
	v := func(i int) int64 { return int64(m[i].Value.Uint64()) }
	taken := v(memTotal) - v(memReleased)
	h := heap{taken: taken, bytes: taken - v(memFree) - v(memUnused), cycles: m[memCycles].Value.Uint64()}
	if h.cycles > 0 {
		h.bytes -= max(0, v(memObjects)-v(memLive))
	}
	return h
}
