// Package clients drives real programs that speak Riemann's protocol against a zeta, and records what they say.
package clients

import (
	"flag"
	"fmt"
	"testing"

	"zeta/client"
	"zeta/event"
	"zeta/internal/rig"
)

var (
	realPrograms = flag.Bool("real", false, "run real clients (see install.sh)")
	record       = flag.Bool("record", false, "rewrite the recorded exchanges in server/testdata/riemann")
)

// bench is one zeta and what stands around it.
type bench struct {
	*rig.Zeta
	doors
}

// doors are the addresses that a client is told.
type doors struct {
	tcp  string // TCP, and UDP on the same port
	tls  string // TLS without client certificates
	mtls string // TLS with client certificates
}

// seed is what clients ask for: its time is old, so that the answer is the same on every day.
const seed = `service = "seed"`

func seedEvent() event.Event {
	var e event.Event
	e.SetHost("web1")
	e.SetService("seed")
	e.SetState("ok")
	e.SetDescription("sown")
	e.SetFloat(0.5)
	e.SetTTL(1e6)
	e.SetTime(1_700_000_000_250_000)
	return e
}

// TestRealClients runs every client; one that is not installed is a failure, since install.sh installs it.
func TestRealClients(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives real clients; run install.sh once and then: go test . -real")
	}
	r := start(t)
	for _, c := range []struct {
		name string
		run  func(t *testing.T, r *bench)
	}{
		{"riemann-c-client", testC},
		{"ruby", testRuby},
		{"go", testGo},
		{"node", testNode},
		{"python", testPython},
		{"bernhard", testBernhard},
		{"syslog-ng", testSyslogNG},
		{"collectd", testCollectd},
		{"telegraf", testTelegraf},
		{"riemann-tools", testRiemannTools},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, r) })
	}
}

// start runs a zeta that knows the seed.
func start(t *testing.T) *bench {
	d := doors{tcp: rig.FreeAddr(t), tls: rig.FreeAddr(t), mtls: rig.FreeAddr(t)}
	z := rig.Start(t, rig.Options{Rules: "zeta.expr", Env: []string{"ZETA_TCP=" + d.tcp, "ZETA_TLS=" + d.tls, "ZETA_MTLS=" + d.mtls}})
	c := client.New(d.tcp, client.Options{})
	c.Send(seedEvent())
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close(t.Context())
	return &bench{Zeta: z, doors: d}
}

// want waits until the index holds an event of a service whose keys have these values; nil is a missing one.
func (r *bench) want(t *testing.T, service string, fields map[string]any) {
	t.Helper()
	r.Want(t, fmt.Sprintf(`host = "web1" and service = %q`, service), fields)
}
