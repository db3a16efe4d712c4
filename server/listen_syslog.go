package server

import (
	"time"

	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[SyslogOptions]{
		Name:    "syslog",
		Summary: "Take syslog's messages, of RFC 5424 and RFC 3164, over UDP, TCP or TLS.",
		Doc: "A message is an event: host; the service is the application's name (the tag of RFC 3164), syslog where there is none; emerg to err are the state critical, warning is warning, notice, info and debug are ok; the description is the text. " +
			"Attributes are facility, severity, pid, msgid, and ID.NAME for each parameter of structured data. " +
			"A message without a time has that of its arrival; the times of RFC 3164 are taken in timezone, in the present year. What follows the priority of a message of neither form is its text. " +
			"Over TCP messages have their length in front or a newline behind, whichever a message has (RFC 6587). Nothing is answered.",
		Defaults: SyslogOptions{Protocol: "udp", Host: peerHost, Timezone: "Local", LineLimits: lineLimits(64<<10, 65_507, peerRate)},
		Check: func(o SyslogOptions) error {
			if _, err := time.LoadLocation(o.Timezone); err != nil {
				return err
			}
			return checkTLS(o.TLS)
		},
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.syslog("127.0.0.1:5514", {protocol: "both"});`},
			{Title: "for everyone with a certificate", Rule: `listen.syslog(":6514", {protocol: "tcp", tls: {cert: "server.pem", key: "server.key", clientCA: "ca.pem"}});`},
		},
	})
}

// SyslogOptions are the options of listen.syslog.
type SyslogOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol string      `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Timezone string      `opt:"timezone" doc:"zone of times that name none, e.g. Europe/Paris; Local: this machine's"`
	Host     string      `opt:"host" doc:"host of messages that name none: a name, \"peer\" for the sender's address (this machine's name for senders on it), or \"\" for none"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow    []string    `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	LineLimits
}

func (o SyslogOptions) open(s *Server) (listener, error) {
	zone, err := time.LoadLocation(o.Timezone)
	if err != nil {
		return nil, err
	}
	return openLines(s, "syslog", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: o.LineLimits,
		protocol: o.Protocol, tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, lineProtocol{
		take:  lines.NewSyslog(zone).Parse,
		next:  func(b []byte) (int, []byte, error) { return lines.NextSyslog(b, o.MaxLine) },
		whole: true,
	})
}
