package server

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"sync"

	"zeta/event"
	"zeta/index"
	"zeta/query"
)

const (
	maxStreamItems = 5000    // events that wait for one batch of a stream; older ones are left out and counted
	maxLatestBytes = 8 << 20 // of events that wait in a latest subscription; then it stops collecting until they are written
	batchBytes     = 128 << 10
	maxLagged      = 100 // times a subscription is begun anew after falling behind
)

// liveFeed is one subscription of a live socket. Its goroutine collects events, the socket's writer takes them
// in batches.
type liveFeed struct {
	socket  *liveSocket
	id      string
	quoted  []byte // id as JSON
	query   *query.Query
	latest  bool // only the newest event of each series; else every event in order
	history int  // events of the index that begin a stream
	cancel  context.CancelFunc

	mu       sync.Mutex
	items    []liveItem
	bytes    int
	at       map[uint64]int // in latest mode: where a series' event waits, counted from the first item ever
	base     int            // items taken so far
	dropped  int            // since the last batch
	snapshot bool           // what waits belongs to the snapshot
	whole    bool           // the snapshot has been collected
	taken    chan struct{}  // told when items have been taken
}

// liveItem is an event as the live format writes it.
type liveItem struct {
	key  uint64 // identity of the series
	json []byte // shared with other subscribers
}

// liveFormat writes for each event its length, its series' identity and its JSON, so that subscribers can
// coalesce without decoding.
var liveFormat = index.Format{Name: "live", Append: appendLiveItem}

var liveSeed = maphash.MakeSeed()

const liveHead = 12

func appendLiveItem(dst []byte, e *event.Event) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, liveHead)...)
	dst = event.AppendJSON(dst, e)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-liveHead))
	binary.LittleEndian.PutUint64(dst[at+4:], liveKey(e))
	return dst
}

func liveKey(e *event.Event) uint64 {
	k := maphash.String(liveSeed, e.Host)*31 + maphash.String(liveSeed, e.Service)
	return k*4 + uint64(e.Has&(event.HasHost|event.HasService))
}

// nextItem cuts the first item off a chunk.
func nextItem(b []byte) (liveItem, []byte) {
	n := binary.LittleEndian.Uint32(b)
	end := liveHead + int(n)
	return liveItem{binary.LittleEndian.Uint64(b[4:]), b[liveHead:end:end]}, b[end:]
}

func newLiveFeed(l *liveSocket, id string, q *query.Query, latest bool, history int) *liveFeed {
	quoted, err := json.Marshal(id)
	if err != nil {
		quoted = []byte(`""`)
	}
	return &liveFeed{socket: l, id: id, quoted: quoted, query: q, latest: latest, history: history, taken: make(chan struct{}, 1)}
}

// collect runs the subscription until ctx is done. When it falls behind it begins anew: with a fresh snapshot
// in latest mode, which repairs all, without one in a stream, which has then lost an unknown number of events.
func (f *liveFeed) collect(ctx context.Context) error {
	for try := 0; ; try++ {
		err := f.once(ctx, try == 0)
		if !errors.Is(err, index.ErrLagged) || try >= maxLagged {
			return err
		}
		f.mu.Lock()
		f.dropped++
		f.mu.Unlock()
	}
}

func (f *liveFeed) once(ctx context.Context, first bool) error {
	engine := f.socket.server.engine
	sub, snapshot, err := engine.subscribe(topicIndex, f.query, liveFormat, f.latest || first)
	if err != nil {
		return err
	}
	defer sub.Close()
	f.mu.Lock()
	f.snapshot, f.whole = f.latest || first, false
	f.mu.Unlock()
	if snapshot != nil {
		err := f.collectSnapshot(ctx, snapshot)
		snapshot.Close()
		if err != nil {
			return err
		}
	}
	if f.latest {
		var data []byte
		for _, ev := range engine.goneEvents(f.query) {
			data = appendLiveItem(data, &ev)
		}
		f.add(data)
	}
	f.mu.Lock()
	f.whole = true
	f.mu.Unlock()
	f.socket.wakeUp()
	for {
		chunks, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			f.add(c.Data)
		}
		f.socket.wakeUp()
		if err := f.room(ctx); err != nil {
			return err
		}
	}
}

// collectSnapshot takes what is in the index: all of it in latest mode, the newest few events for a stream.
func (f *liveFeed) collectSnapshot(ctx context.Context, snapshot *index.Snapshot) error {
	if f.latest {
		return snapshot.Scan(snapshotLimits, func(batch []event.Event) error {
			var data []byte
			for i := range batch {
				data = appendLiveItem(data, &batch[i])
			}
			f.add(data)
			f.socket.wakeUp()
			return f.room(ctx)
		})
	}
	if f.history == 0 {
		return nil
	}
	var newest []event.Event
	byTime := func(a, b event.Event) int { return int(min(max(a.Time-b.Time, -1), 1)) }
	keep := func() {
		slices.SortFunc(newest, byTime)
		if cut := len(newest) - f.history; cut > 0 {
			newest = slices.Delete(newest, 0, cut)
		}
	}
	err := snapshot.Scan(snapshotLimits, func(batch []event.Event) error {
		newest = append(newest, batch...)
		if len(newest) > 2*maxStreamItems {
			keep()
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	keep()
	var data []byte
	for i := range newest {
		data = appendLiveItem(data, &newest[i])
	}
	f.add(data)
	return nil
}

// add takes the events of a chunk.
func (f *liveFeed) add(data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(data) > 0 {
		var it liveItem
		it, data = nextItem(data)
		if f.latest {
			if i, ok := f.at[it.key]; ok {
				f.bytes += len(it.json) - len(f.items[i-f.base].json)
				f.items[i-f.base] = it
				continue
			}
			if f.at == nil {
				f.at = map[uint64]int{}
			}
			f.at[it.key] = f.base + len(f.items)
		}
		f.items = append(f.items, it)
		f.bytes += len(it.json)
	}
	if over := len(f.items) - maxStreamItems; !f.latest && over > 0 {
		for _, it := range f.items[:over] {
			f.bytes -= len(it.json)
		}
		f.items = slices.Delete(f.items, 0, over)
		f.dropped += over
	}
}

// room waits while too much waits to be written.
func (f *liveFeed) room(ctx context.Context) error {
	for {
		f.mu.Lock()
		ok := f.bytes < maxLatestBytes
		f.mu.Unlock()
		if ok {
			return ctx.Err()
		}
		select {
		case <-f.taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// batch returns the next message, nil if there is nothing to say, and whether there is more to say at once.
func (f *liveFeed) batch(seq uint64) (payload []byte, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.items) == 0 && f.dropped == 0 && !(f.snapshot && f.whole) {
		return nil, false
	}
	n, size := 0, 0
	for n < len(f.items) && size < batchBytes {
		size += len(f.items[n].json) + 1
		n++
	}
	rest := len(f.items) - n
	// The snapshot has a batch even when it is empty, and its last batch says that it is the last.
	inSnapshot := f.snapshot
	last := f.whole && rest == 0
	out := append(make([]byte, 0, size+128+len(f.quoted)), `{"op":"events","id":`...)
	out = append(out, f.quoted...)
	if inSnapshot {
		out = append(out, `,"snapshot":true`...)
		if !last {
			out = append(out, `,"more":true`...)
		} else {
			f.snapshot = false
		}
	}
	out = append(out, `,"seq":`...)
	out = appendInt(out, int64(seq))
	out = append(out, `,"dropped":`...)
	out = appendInt(out, int64(f.dropped))
	out = append(out, `,"events":[`...)
	for i, it := range f.items[:n] {
		out = comma(out, i > 0)
		out = append(out, it.json...)
	}
	out = append(out, "]}"...)
	f.dropped = 0
	f.take(n, size-n)
	return out, rest > 0
}

// take removes the first n items, of so many bytes.
func (f *liveFeed) take(n, size int) {
	f.bytes -= size
	f.base += n
	if n == len(f.items) {
		clear(f.at)
	} else if f.latest {
		for _, it := range f.items[:n] {
			delete(f.at, it.key)
		}
	}
	f.items = slices.Delete(f.items, 0, n)
	select {
	case f.taken <- struct{}{}:
	default:
	}
}
