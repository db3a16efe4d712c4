package streams

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// graphVersion is the form of what Graph.Save writes.
const graphVersion = 2

// Save writes the state of every stateful node with its path.
func (g *Graph) Save(s *Saver) {
	s.Uint(graphVersion)
	g.scope.save(s)
}

// Load moves saved state into the nodes with equal paths. It is called on a fresh graph whose clock stands
// at the time of saving. What it finds no node for is dropped; see Moved. An error says that the saved
// state cannot be read, and the graph is to be closed.
func (g *Graph) Load(l *Loader) error {
	_, err := g.Move(l)
	return err
}

// Moved says what became of saved state: paths of nodes that got theirs, whose state was dropped, and
// that started afresh.
type Moved struct{ Kept, Lost, New []string }

// Move is Load with a report.
func (g *Graph) Move(l *Loader) (Moved, error) {
	var m Moved
	if v := l.Uint(); v != graphVersion && l.Err() == nil {
		return m, fmt.Errorf("load rules' state: version %d, want %d", v, graphVersion)
	}
	g.scope.load(l, &m, "")
	if err := l.Err(); err != nil {
		return m, fmt.Errorf("load rules' state: %w", err)
	}
	return m, nil
}

// save writes the scope's nodes.
func (sc *scope) save(s *Saver) {
	s.Uint(uint64(len(sc.nodes)))
	for _, n := range sc.nodes {
		s.String(n.place.path.text)
		s.section(func(s *Saver) { n.stream.Save(s) })
	}
}

// load reads what save wrote.
func (sc *scope) load(l *Loader, m *Moved, outer string) {
	nodes := make(map[string]Stateful, len(sc.nodes))
	for _, n := range sc.nodes {
		nodes[n.place.path.text] = n.stream
	}
	kept := make(map[string]bool, len(sc.nodes))
	for range l.Len() {
		path := l.String()
		part := l.section()
		if l.Err() != nil {
			return
		}
		n := nodes[path]
		if n == nil {
			m.lost(outer + path)
			continue
		}
		if f, ok := n.(forked); ok {
			f.loadForks(part, m, outer+path+"/")
		} else {
			n.Load(part)
		}
		if err := part.Err(); err != nil {
			l.Fail(fmt.Errorf("%s: %w", outer+path, err))
			return
		}
		kept[path] = true
		m.kept(outer + path)
	}
	for _, n := range sc.nodes {
		if p := n.place.path.text; !kept[p] {
			m.fresh(outer + p)
		}
	}
}

// maxMoved bounds each list of a report; forks are many.
const maxMoved = 10_000

func (m *Moved) kept(path string)  { m.Kept = addOnce(m.Kept, path) }
func (m *Moved) lost(path string)  { m.Lost = addOnce(m.Lost, path) }
func (m *Moved) fresh(path string) { m.New = addOnce(m.New, path) }

// addOnce appends path: the forks of one place give equal ones, one after another.
func addOnce(paths []string, path string) []string {
	if len(paths) >= maxMoved || slices.Contains(paths[max(0, len(paths)-64):], path) {
		return paths
	}
	return append(paths, path)
}

// section writes a part that can be skipped by a reader who does not know it.
func (s *Saver) section(write func(s *Saver)) {
	begin := len(s.buf)
	write(s)
	// In front of it comes its length, for which room is made now: the engine waits for the state of all operators, and
	// to write each part apart and copy it is slower.
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(s.buf)-begin))
	s.buf = slices.Insert(s.buf, begin, head[:n]...)
}

// section reads a part into a Loader of its own.
func (l *Loader) section() *Loader { return NewLoader(l.take(l.Len())) }
