package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"zeta/collectd"
	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[CollectdOptions]{
		Name:    "collectd",
		Summary: "Take collectd's network packets: plain, signed or encrypted.",
		Doc: "Events are those that collectd's write_riemann sends: host; service plugin[-instance]/type[-instance], with /data source where a type has several; the metric, counters as rates per second; " +
			"time; ttl = interval × ttlFactor; attributes plugin, plugin_instance, type, type_instance, ds_name, ds_type and ds_index. " +
			"The first reading of a counter, one after what it counts began anew, and one outside the bounds of types.db have the metric NaN; a counter that wraps at 32 or 64 bits goes on. " +
			"A notification has the state ok, warning, critical or unknown, its message as the description, the tag notification and no ttl. " +
			"Names of data sources come from typesDB, without it from " + systemTypes + " if that is there, else from a short list of the usual types. " +
			"security says what a packet must have at least; passwords are in authFile, as collectd's network plugin has them, one user: password a line; the file is read when the rules are loaded. " +
			"A signed packet repeats if somebody sends it again: nothing in the protocol prevents that. An address of a multicast group joins the group on interface.",
		Defaults: CollectdOptions{Security: "none", TTLFactor: 2, MaxRates: 200_000,
			PacketLimits: PacketLimits{MaxSize: 16 << 10, Buffer: receiveBuffer}, RateLimits: RateLimits{MaxPeerRate: peerRate}},
		Check: func(o CollectdOptions) error {
			if o.Security != "none" && o.AuthFile == "" {
				return errors.New(`security needs authFile, a file with a line "user: password" for each user`)
			}
			return nil
		},
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.collectd("127.0.0.1:25826");`},
			{Title: "for everyone who has a password", Rule: `listen.collectd(":25826", {security: "encrypt", authFile: "/etc/zeta/collectd.passwd"});`},
			{Title: "collectd's multicast group", Rule: `listen.collectd("239.192.74.66:25826", {allow: ["10.0.0.0/8"]});`},
		},
	})
}

// systemTypes is where Debian's and most other packages of collectd have it.
const systemTypes = "/usr/share/collectd/types.db"

// CollectdOptions are the options of listen.collectd.
type CollectdOptions struct {
	Address   string   `arg:"1" doc:"HOST:PORT to listen on, or the address of a multicast group; port 0 takes any free one"`
	Security  string   `opt:"security" enum:"none,sign,encrypt" doc:"what a packet must have at least"`
	AuthFile  string   `opt:"authFile" doc:"file of users and passwords; left out: no protected packet can be read, a signed one is taken as plain"`
	TypesDB   []string `opt:"typesDB" doc:"files that name the data sources of types, later ones first; left out: the system's"`
	TTLFactor float64  `opt:"ttlFactor" min:"1" max:"1000" doc:"ttl of an event in intervals"`
	Tags      []string `opt:"tags" doc:"tags of every event"`
	Interface string   `opt:"interface" doc:"network interface on which a multicast group is joined; left out: the system's choice"`
	Allow     []string `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure  bool     `opt:"insecure" doc:"allow an address that is open to the network without security or an allow list"`
	MaxRates  int      `opt:"maxRates" min:"1" max:"10000000" doc:"data sources remembered for their rates; the counters of others have the metric NaN until one has been silent for ten intervals"`
	PacketLimits
	RateLimits
}

// collectdListener takes collectd's datagrams.
type collectdListener struct {
	*datagrams
	security collectd.Security
	mapper   *collectd.Mapper
	packet   collectd.Packet
	events   []event.Event
	full     uint64 // of the mapper, already counted
}

func (o CollectdOptions) open(s *Server) (listener, error) {
	level := map[string]collectd.Level{"none": collectd.Plain, "sign": collectd.Signed, "encrypt": collectd.Encrypted}[o.Security]
	if err := checkBind("collectd", o.Address, level != collectd.Plain || len(o.Allow) > 0, o.Insecure, `{security: "encrypt", authFile: "…"}`); err != nil {
		return nil, err
	}
	l := &collectdListener{security: collectd.Security{Need: level}}
	fail := func(err error) (listener, error) { return nil, fmt.Errorf("listen.collectd(%q): %w", o.Address, err) }
	types, err := collectdTypes(o.TypesDB)
	if err != nil {
		return fail(err)
	}
	if o.AuthFile != "" {
		if l.security.Passwords, err = collectd.ReadAuthFile(o.AuthFile); err != nil {
			return fail(err)
		}
	}
	l.mapper = collectd.NewMapper(collectd.Options{Types: types, TTLFactor: o.TTLFactor, Tags: o.Tags, MaxRates: o.MaxRates})
	l.datagrams, err = receiving(s, "collectd", packetOptions{
		address: o.Address, allow: o.Allow, multicast: o.Interface, PacketLimits: o.PacketLimits, RateLimits: o.RateLimits,
	}, l.datagram)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// collectdTypes reads files of types; the system's if none are given, and none at all if there is none.
func collectdTypes(files []string) (collectd.Types, error) {
	if len(files) > 0 {
		return collectd.ReadTypes(files...)
	}
	types, err := collectd.ReadTypes(systemTypes)
	if errors.Is(err, os.ErrNotExist) {
		return collectd.ReadTypes()
	}
	return types, err
}

// datagram takes a packet; what stands before an error in it counts.
func (l *collectdListener) datagram(b []byte, from netip.AddrPort) (events int) {
	err := l.packet.Parse(b, l.security)
	if err != nil {
		reason := "decode"
		if part := (*collectd.PartError)(nil); errors.As(err, &part) && part.Auth {
			reason = "security"
		}
		l.server.refusals.refuse("collectd", reason, from.String(), err)
	}
	l.events = l.mapper.Append(l.events[:0], &l.packet, time.Now().UnixMicro())
	if l.mapper.Full > l.full {
		l.full = l.mapper.Full
		l.server.refusals.refuse("collectd", "rates", from.String(), errTooManyRates)
	}
	if len(l.events) == 0 {
		return 1
	}
	if err := l.server.engine.Ingest(l.events); err != nil {
		l.server.untaken("collectd", from.String(), err)
	}
	clear(l.events)
	return len(l.events)
}

// Kind implements listener.
func (l *collectdListener) Kind() string { return "collectd" }

// Addr implements listener.
func (l *collectdListener) Addr() net.Addr { return l.c.LocalAddr() }

// Connections implements listener.
func (l *collectdListener) Connections() int { return 0 }

// Serve implements listener.
func (l *collectdListener) Serve(context.Context) error { l.serve(); return nil }

// Close implements listener.
func (l *collectdListener) Close() { l.close() }

// Drain implements listener.
func (l *collectdListener) Drain(context.Context) { <-l.done }
