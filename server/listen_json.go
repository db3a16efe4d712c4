package server

import (
	"bytes"

	"zeta/event"
	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[JSONOptions]{
		Name:    "json",
		Summary: "Take events as lines of JSON, over TCP, UDP or both.",
		Doc: "A line is an event in the form that PUT /events takes: an object with host, service, state, description, metric, tags, time (ISO 8601 text or seconds) and ttl; every other key is an attribute, and null is missing. " +
			"With answers every line over TCP is answered by a line {} or {\"error\": …}, in order, after its event has run through the rules or with it; without, nothing is answered. " +
			"A line that cannot be read is dropped and counted; the connection stays. An empty line is left out.",
		Defaults: JSONOptions{Protocol: "tcp", Host: peerHost, LineLimits: lineLimits(64<<10, 65_507, 0)},
		Check:    func(o JSONOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.json("127.0.0.1:5170");`},
			{Title: "with an answer for every line", Rule: `listen.json("127.0.0.1:5170", {answers: true});`},
		},
	})
}

// JSONOptions are the options of listen.json.
type JSONOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol string      `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Answers  bool        `opt:"answers" doc:"answer every line over TCP"`
	Host     string      `opt:"host" doc:"host of events that name none: a name, \"peer\" for the sender's address (this machine's name for senders on it), or \"\" for none"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow    []string    `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	LineLimits
}

func (o JSONOptions) open(s *Server) (listener, error) {
	p := lineProtocol{take: takeJSON}
	if o.Answers {
		p.answer = answerJSON
	}
	return openLines(s, "json", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: o.LineLimits,
		protocol: o.Protocol, tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, p)
}

func takeJSON(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return dst, nil
	}
	e, err := event.ParseJSON(line)
	if err != nil {
		return dst, &lines.Error{Reason: "json", Text: err.Error()}
	}
	if !e.Is(event.HasHost) && host != "" {
		e.SetHost(host)
	}
	return append(dst, e), nil
}

func answerJSON(line []byte, err error) (reply []byte, quit bool) {
	switch {
	case err != nil:
		return append(appendErrorJSON(nil, err), '\n'), false
	case len(bytes.TrimSpace(line)) == 0:
		return nil, false
	}
	return []byte("{}\n"), false
}
