package server

import (
	"errors"

	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[GraphiteOptions]{
		Name:    "graphite",
		Summary: "Take Graphite's plaintext protocol: lines of path, value and time.",
		Doc: "A line PATH VALUE TIME is an event: service PATH, metric VALUE (always a float), time TIME in seconds, fractions allowed; -1 or N is now. " +
			"It has no host, state or ttl, as in Riemann, unless the options give them. With tags, PATH;key=value;… gives attributes, of which host, state and description fill those fields. " +
			"A template says what the segments of the path mean: \"_.host.service*\" leaves the first out, takes the second as the host and the rest as the service; any other word names an attribute; " +
			"collectd* at the end reads what collectd's write_graphite sends, in the form that write_riemann gives: df-root.df_complex-free is the service df-root/df_complex-free with attributes plugin, plugin_instance, type, type_instance. " +
			"A line that cannot be read, or whose value is NaN, is dropped and counted; a line over maxLine closes the connection. Nothing is answered. A datagram may hold several lines.",
		Defaults: GraphiteOptions{Protocol: "tcp", LineLimits: lineLimits(1024, 16<<10, 0)},
		Check: func(o GraphiteOptions) error {
			_, err := lines.ParseTemplate(o.Template)
			return errors.Join(err, checkTLS(o.TLS))
		},
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.graphite("127.0.0.1:2003", {protocol: "both"});`},
			{Title: "tags, and the host from them", Rule: `listen.graphite("127.0.0.1:2003", {tags: true});`},
			{Title: "collectd's write_graphite with the prefix collectd.", Rule: `listen.graphite("127.0.0.1:2003", {template: "_.host.collectd*"});`},
		},
	})
}

// GraphiteOptions are the options of listen.graphite.
type GraphiteOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol string      `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Tags     bool        `opt:"tags" doc:"read PATH;key=value;… as a path and tags"`
	Template string      `opt:"template" doc:"what the segments of a path mean, e.g. \"_.host.service*\"; left out: the path is the service"`
	Host     string      `opt:"host" doc:"host of events that name none; \"peer\": the sender's address; left out: none"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow    []string    `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	LineLimits
}

func (o GraphiteOptions) open(s *Server) (listener, error) {
	template, err := lines.ParseTemplate(o.Template)
	if err != nil {
		return nil, err
	}
	g := &lines.Graphite{Tags: o.Tags, Template: template}
	return openLines(s, "graphite", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: o.LineLimits,
		protocol: o.Protocol, tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, lineProtocol{take: g.Parse})
}
