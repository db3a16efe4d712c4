package server

import (
	"bytes"

	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[OpenTSDBOptions]{
		Name:    "opentsdb",
		Summary: "Take the put lines of OpenTSDB's telnet protocol.",
		Doc: "put METRIC TIME VALUE tag=value … is an event: the service is METRIC with all tags but host behind it, the description METRIC, the metric VALUE (always a float), the host the tag host; tags are attributes, of which state fills that field. " +
			"TIME is in seconds, from 100 000 000 000 on in milliseconds. version is answered, exit ends the connection. A line that cannot be read is answered with the reason, dropped and counted; the connection stays.",
		Defaults: OpenTSDBOptions{ConnLimits: ConnLimits{MaxConnections: 10_000}, MaxLine: 1024},
		Check:    func(o OpenTSDBOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{{Title: "for this machine only", Rule: `listen.opentsdb("127.0.0.1:4242");`}},
	})
}

// OpenTSDBOptions are the options of listen.opentsdb.
type OpenTSDBOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Host     string      `opt:"host" doc:"host of events without the tag host; \"peer\": the sender's address; left out: none"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow    []string    `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	ConnLimits
	RateLimits
	MaxLine int `opt:"maxLine" min:"64" max:"1048576" doc:"bytes of one line; a longer one closes the connection"`
}

func (o OpenTSDBOptions) open(s *Server) (listener, error) {
	return openLines(s, "opentsdb", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: LineLimits{ConnLimits: o.ConnLimits, RateLimits: o.RateLimits, MaxLine: o.MaxLine},
		protocol: "tcp", tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, lineProtocol{skip: telnetCommand, take: lines.OpenTSDB, answer: telnetAnswer})
}

// telnetCommand reports whether a line is a command rather than data.
func telnetCommand(line []byte) bool {
	switch string(bytes.TrimSpace(line)) {
	case "version", "exit":
		return true
	}
	return false
}

func telnetAnswer(line []byte, err error) (reply []byte, quit bool) {
	switch string(bytes.TrimSpace(line)) {
	case "version":
		return []byte("net.opentsdb\nBuilt on ... (zeta)\n"), false
	case "exit":
		return nil, true
	}
	if err != nil {
		return []byte("put: " + err.Error() + "\n"), false
	}
	return nil, false
}
