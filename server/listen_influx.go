package server

import (
	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[InfluxOptions]{
		Name:    "influx",
		Summary: "Take InfluxDB's line protocol over TCP, UDP or both.",
		Doc: "Each field of a line measurement,tag=value field=value time is an event: the service is measurement/field, or the measurement alone for a field named value; a number is the metric (with i or u an exact integer), true and false are 1 and 0, a text is the description. " +
			"Tags are attributes, of which host, state and description fill those fields. The time is in the unit of precision. " +
			"A line that cannot be read is dropped whole and counted; the connection stays. Nothing is answered.",
		Defaults: InfluxOptions{Protocol: "tcp", Precision: "ns", Host: peerHost, LineLimits: lineLimits(64<<10, 65_507, 0)},
		Check:    func(o InfluxOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{{Title: "for this machine only", Rule: `listen.influx("127.0.0.1:8094", {protocol: "both"});`}},
	})
}

// InfluxOptions are the options of listen.influx.
type InfluxOptions struct {
	Address   string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol  string      `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Precision string      `opt:"precision" enum:"ns,us,ms,s" doc:"unit of the time"`
	Host      string      `opt:"host" doc:"host of events without the tag host: a name, \"peer\" for the sender's address (this machine's name for senders on it), or \"\" for none"`
	TLS       *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow     []string    `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure  bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	LineLimits
}

// influxUnits are the nanoseconds in each unit of time.
var influxUnits = map[string]int64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}

func (o InfluxOptions) open(s *Server) (listener, error) {
	p := &lines.Influx{Precision: influxUnits[o.Precision]}
	return openLines(s, "influx", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: o.LineLimits,
		protocol: o.Protocol, tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, lineProtocol{take: p.Parse})
}
