package streams

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Diagram is the compiled graph of rules as data, in the form that `zeta check --graph json` prints.
type Diagram struct {
	Version int           `json:"version"` // of this form: 1
	Files   []string      `json:"files"`
	Nodes   []DiagramNode `json:"nodes"` // as they are written; the first is the top level, where events come in
	Edges   []DiagramEdge `json:"edges"`
}

// DiagramNode is one place in the rules: an operator or a sink, templates expanded. Inside by it stands for all forks.
type DiagramNode struct {
	// ID names the node among the others, and stays when other rules change. For an operator with state and for a sink
	// it is the identity by which state survives a reload; others have the ID of the state above them, "~" and their call.
	ID        string `json:"id"`
	Kind      string `json:"kind"` // "root", "operator" or "sink"
	Name      string `json:"name"`
	Arguments string `json:"arguments,omitempty"` // without secrets and streams
	Position  string `json:"position,omitempty"`  // file:line:col
	Let       string `json:"let,omitempty"`       // the let the node is part of
	Takes     string `json:"takes"`               // "events", "windows", or "events or windows" where the data decides
	Gives     string `json:"gives,omitempty"`     // not of sinks and other ends
	Stateful  bool   `json:"stateful"`
	Sink      string `json:"sink,omitempty"` // identity of the sink, of which several nodes can be
}

// DiagramEdge leads from a node to what it passes values to. Label says which: "else", a condition of split;
// empty for children.
type DiagramEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label,omitempty"`
}

// rootID is the node of the top level. No path is like it: paths begin with a name or with "~".
const rootID = "/"

// Diagram returns the graph of the rules.
func (r *Rules) Diagram() Diagram {
	d := diagrammer{ids: map[*node]string{}, slots: map[*slot]part{}, seen: map[DiagramEdge]bool{}}
	d.out.Version = 1
	for _, f := range r.Files {
		d.out.Files = append(d.out.Files, f.Name)
	}
	d.out.Nodes = []DiagramNode{{ID: rootID, Kind: "root", Name: "events", Takes: Events.String(), Gives: Events.String()}}
	d.out.Edges = []DiagramEdge{}
	used := map[string]int{rootID: 1}
	for _, n := range r.places {
		d.node(n, used)
	}
	d.edges(rootID, "", r.root)
	for _, n := range r.places {
		for _, o := range n.outlets {
			d.edges(d.ids[n], o.label, *o.part)
		}
		d.edges(d.ids[n], "", n.next)
	}
	return d.out
}

type diagrammer struct {
	out   Diagram
	ids   map[*node]string
	slots map[*slot]part // what the markers of pipes stand for
	seen  map[DiagramEdge]bool
}

func (d *diagrammer) node(n *node, used map[string]int) {
	out := DiagramNode{
		Kind: "operator", Name: n.name, Arguments: argumentText(n.entry.fields, n.opts), Position: n.pos,
		Takes: n.takes.String(), Stateful: n.stateful,
	}
	if !n.entry.Leaf {
		out.Gives = n.gives.String()
	}
	if n.let != nil {
		out.Let = n.let.name
	}
	if n.entry.kind == sinkName {
		out.Kind, out.Stateful, out.Sink = "sink", false, n.sink
	}
	id := n.path.full()
	if !n.stateful {
		if id != "" {
			id += "/"
		}
		id += "~" + n.name + "(" + out.Arguments + ")"
	}
	for used[id]++; used[id] > 1; used[id]++ {
		id = fmt.Sprintf("%s#%d", id, used[id])
	}
	out.ID, d.ids[n] = id, id
	d.out.Nodes = append(d.out.Nodes, out)
}

// edges adds the edges from a node to the first nodes of p.
func (d *diagrammer) edges(from, label string, p part) {
	switch p := p.(type) {
	case *node:
		e := DiagramEdge{From: from, To: d.ids[p], Label: label}
		if !d.seen[e] {
			d.seen[e] = true
			d.out.Edges = append(d.out.Edges, e)
		}
	case fan:
		for _, one := range p {
			d.edges(from, label, one)
		}
	case *rootsPart:
		d.edges(from, label, p.parts)
	case *letPart:
		d.edges(from, label, p.let.part)
	case *pipeline:
		for i, s := range p.slots {
			d.slots[s] = p.stages[i+1]
		}
		d.edges(from, label, p.stages[0])
	case *slot:
		d.edges(from, label, d.slots[p])
	}
}

// JSON returns the diagram as JSON, indented.
func (d Diagram) JSON() []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		panic(err) // strings and bools only
	}
	return []byte(b.String())
}

// DOT returns the diagram in Graphviz's language: operators with state have a double border, sinks are notes,
// and windows travel along bold arrows.
func (d Diagram) DOT() string {
	var b strings.Builder
	b.WriteString("digraph rules {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n  edge [fontname=\"monospace\"];\n")
	windows := map[string]bool{}
	for _, n := range d.Nodes {
		windows[n.ID] = n.Gives == Windows.String()
		label := n.Name
		if n.Arguments != "" {
			label += "\n" + clip(n.Arguments)
		}
		style := ""
		switch {
		case n.Kind == "root":
			style = ", shape=oval"
		case n.Kind == "sink":
			style = ", shape=note"
		case n.Stateful:
			style = ", peripheries=2"
		}
		fmt.Fprintf(&b, "  %s [label=%s, tooltip=%s%s];\n", dotString(n.ID), dotString(label), dotString(n.Position), style)
	}
	for _, e := range d.Edges {
		var attrs []string
		if e.Label != "" {
			attrs = append(attrs, "label="+dotString(clip(e.Label)))
		}
		if windows[e.From] {
			attrs = append(attrs, "style=bold")
		}
		fmt.Fprintf(&b, "  %s -> %s", dotString(e.From), dotString(e.To))
		if len(attrs) > 0 {
			fmt.Fprintf(&b, " [%s]", strings.Join(attrs, ", "))
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// dotString quotes a text: in DOT a backslash begins an escape for the renderer.
func dotString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ").Replace(s) + `"`
}
