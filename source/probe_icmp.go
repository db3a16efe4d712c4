package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"zeta/event"
	"zeta/streams"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[ICMPOptions]{
		Name:    "probe.icmp",
		Summary: "Ping a host again and again and tell how long it takes and how much is lost.",
		Doc: "Two events a look. \"ping\" has the mean time of the answers in seconds; state is critical if nothing came back, warning or critical if it was slow, else ok. " +
			"\"ping loss\" has the lost part, from 0 to 1; state is warning if any, critical if all are lost. host is the address. " +
			"It needs no privilege: the kernel must allow ping sockets to zeta's group (sysctl net.ipv4.ping_group_range on Linux); where it does not, both events are critical and say so.",
		Defaults: ICMPOptions{Count: 3, Interval: 30 * time.Second, Timeout: 5 * time.Second},
		Check: func(o ICMPOptions) error {
			if o.Address == "" {
				return errors.New("probe.icmp: name a host")
			}
			return nil
		},
		Open:     openICMP,
		Examples: []streams.Example{{Title: "a router", Rule: `probe.icmp("192.0.2.1", {count: 5, warning: "50ms"});`}},
	})
}

// ICMPOptions are the options of probe.icmp.
type ICMPOptions struct {
	Address  string        `arg:"1" doc:"host name or IP address"`
	Count    int           `opt:"count" min:"1" max:"20" doc:"packets of one look, a tenth of a second apart"`
	Warning  time.Duration `opt:"warning" doc:"time from which state is warning; 0: never"`
	Critical time.Duration `opt:"critical" doc:"time from which state is critical; 0: never"`
	Interval time.Duration `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout  time.Duration `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host     string        `opt:"host" doc:"the events' host; left out: the address"`
	Service  string        `opt:"service" doc:"the events' service"`
	Tags     []string      `opt:"tags" doc:"the events' tags"`
	TTL      time.Duration `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

// pingGap is the time between two packets of a look.
const pingGap = 100 * time.Millisecond

// icmpProbe pings one host.
type icmpProbe struct {
	observer
	o       ICMPOptions
	service string
}

func openICMP(o ICMPOptions, _ *slog.Logger) (streams.Source, error) {
	p := &icmpProbe{o: o, service: orDefault(o.Service, "ping")}
	p.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, o.Address, event.Attr{Key: "probe", Value: "icmp"})
	return p, nil
}

// Look implements streams.Source.
func (p *icmpProbe) Look(ctx context.Context) []event.Event {
	times, err := p.ping(ctx)
	if err != nil {
		return []event.Event{
			p.event(p.service, "critical", reason(err)),
			p.event(p.service+" loss", "critical", reason(err)),
		}
	}
	return p.judge(times)
}

// judge makes the events of the answers that came.
func (p *icmpProbe) judge(times []time.Duration) []event.Event {
	text := fmt.Sprintf("%d of %d came back", len(times), p.o.Count)
	loss := p.event(p.service+" loss", "ok", text)
	loss.SetFloat(1 - float64(len(times))/float64(p.o.Count))
	switch {
	case len(times) == 0:
		loss.SetState("critical")
		return []event.Event{p.event(p.service, "critical", text), loss}
	case len(times) < p.o.Count:
		loss.SetState("warning")
	}
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	mean := sum / time.Duration(len(times))
	e := p.event(p.service, slow(mean, p.o.Warning, p.o.Critical), text+", "+milliseconds(mean)+" in the mean")
	e.SetFloat(mean.Seconds())
	return []event.Event{e, loss}
}

// ping sends the packets and returns the times of those that came back before ctx was done.
func (p *icmpProbe) ping(ctx context.Context) ([]time.Duration, error) {
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, p.o.Address)
	if err != nil {
		return nil, err
	}
	to := ips[0]
	network, listen, protocol := "udp4", "0.0.0.0", 1
	var echo icmp.Type = ipv4.ICMPTypeEcho
	if to.IP.To4() == nil {
		network, listen, protocol, echo = "udp6", "::", 58, ipv6.ICMPTypeEchoRequest
	}
	c, err := icmp.ListenPacket(network, listen)
	if err != nil {
		return nil, pingError(err)
	}
	defer c.Close()
	end := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer end()

	sent := make([]time.Time, p.o.Count)
	var times []time.Duration
	for seq := range sent {
		m := icmp.Message{Type: echo, Body: &icmp.Echo{Seq: seq, Data: []byte("zeta")}}
		b, err := m.Marshal(nil)
		if err != nil {
			return nil, err
		}
		sent[seq] = time.Now()
		if _, err := c.WriteTo(b, &net.UDPAddr{IP: to.IP, Zone: to.Zone}); err != nil {
			return times, pingError(err)
		}
		last := seq == len(sent)-1
		until := time.Now().Add(pingGap)
		for (last || time.Now().Before(until)) && len(times) <= seq && ctx.Err() == nil {
			if !last {
				c.SetReadDeadline(until)
			} else {
				c.SetReadDeadline(time.Time{})
				if ctx.Err() != nil {
					break
				}
			}
			if took, ok := receive(c, protocol, sent[:seq+1]); ok {
				times = append(times, took)
			}
		}
	}
	return times, nil
}

// receive reads one packet and returns its time if it answers one that was sent. Each answer counts once.
func receive(c *icmp.PacketConn, protocol int, sent []time.Time) (took time.Duration, ok bool) {
	buf := make([]byte, 1500)
	n, _, err := c.ReadFrom(buf)
	if err != nil {
		return 0, false
	}
	m, err := icmp.ParseMessage(protocol, buf[:n])
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
		return 0, false
	}
	echo, isEcho := m.Body.(*icmp.Echo)
	if !isEcho || echo.Seq >= len(sent) || sent[echo.Seq].IsZero() {
		return 0, false
	}
	took = time.Since(sent[echo.Seq])
	sent[echo.Seq] = time.Time{}
	return took, true
}

// pingError explains what the kernel refuses.
func pingError(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPROTONOSUPPORT) {
		return fmt.Errorf("the kernel allows this group no ping sockets: set sysctl net.ipv4.ping_group_range=\"0 2147483647\" (%w)", err)
	}
	return err
}
