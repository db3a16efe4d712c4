package server

import (
	"bytes"
	"time"

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
		Defaults: JSONOptions{Protocol: "tcp", Host: peerHost, MaxConnections: 10_000, MaxLine: 64 << 10, MaxSize: 65_507, MaxRate: 100_000, Buffer: 8 << 20},
		Check:    func(o JSONOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.json("127.0.0.1:5170");`},
			{Title: "with an answer for every line", Rule: `listen.json("127.0.0.1:5170", {answers: true});`},
		},
	})
}

// JSONOptions are the options of listen.json.
type JSONOptions struct {
	Address        string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol       string        `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Answers        bool          `opt:"answers" doc:"answer every line over TCP"`
	Host           string        `opt:"host" doc:"host of events that name none: a name, \"peer\" for the sender's address (this machine's name for senders on it), or \"\" for none"`
	TLS            *TLSOptions   `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow          []string      `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure       bool          `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	MaxConnections int           `opt:"maxConnections" min:"1" max:"1000000" doc:"connections at a time; those beyond are closed and counted"`
	MaxLine        int           `opt:"maxLine" min:"64" max:"1048576" doc:"bytes of one line; a longer one closes the connection"`
	MaxSize        int           `opt:"maxSize" min:"64" max:"65507" doc:"bytes of one datagram; longer ones are dropped and counted"`
	MaxRate        int           `opt:"maxRate" min:"0" doc:"datagrams a second from one peer; 0: no limit"`
	Buffer         int           `opt:"buffer" min:"4096" doc:"bytes of the socket's receive buffer, which the kernel may lower"`
	Idle           time.Duration `opt:"idle" doc:"a connection that sends nothing for so long is closed; 0: never"`
}

func (o JSONOptions) open(s *Server) (listener, error) {
	p := lineProtocol{take: takeJSON}
	if o.Answers {
		p.answer = answerJSON
	}
	return openLines(s, "json", lineOptions{
		packetOptions: packetOptions{address: o.Address, allow: o.Allow, maxSize: o.MaxSize, maxRate: o.MaxRate, buffer: o.Buffer},
		protocol:      o.Protocol, tls: o.TLS, insecure: o.Insecure, maxConnections: o.MaxConnections, maxLine: o.MaxLine, idle: o.Idle, host: o.Host,
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
