package streams

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The tests of this package have a sink, a listener and a setting of their own.
func init() {
	RegisterSink(SinkSpec[paintOptions]{
		Name:     "paint",
		Summary:  "Paint events on the wall.",
		Defaults: paintOptions{Channel: "#wall"},
		Check: func(o paintOptions) error {
			if o.Channel == "" {
				return errors.New("paint needs a channel")
			}
			return nil
		},
		Open: func(o paintOptions) (any, error) { return o.Channel, nil },
		Examples: []Example{{
			Title: "all of them",
			Rule:  `let wall = paint({token: env("PAINT")}); wall`,
			Test:  `at(0, event({metric: 1})), expect(wall, [{metric: 1}]), expect(paint, [{metric: 1}])`,
		}},
	})
	RegisterListener(ListenerSpec[tcpOptions]{
		Name:     "tcp",
		Summary:  "Riemann's protocol over TCP.",
		Defaults: tcpOptions{Idle: time.Minute},
		Examples: []Example{{Rule: `listen.tcp("127.0.0.1:5555")`}},
	})
}

type paintOptions struct {
	Token   Secret `opt:"token" doc:"key of the paint shop"`
	Channel string `opt:"channel" doc:"which wall"`
	Coats   int    `opt:"coats" min:"1" max:"9" doc:"layers of paint"`
}

type tcpOptions struct {
	Address string        `arg:"1" doc:"host:port"`
	TLS     *tlsOptions   `opt:"tls" doc:"certificates; without it the connection is plain"`
	Idle    time.Duration `opt:"idle" doc:"a silent connection is closed after it"`
}

type tlsOptions struct {
	Cert string `opt:"cert" doc:"file of the certificate"`
	Key  string `opt:"key" doc:"file of the key"`
}

// TestRegistrations holds every registration to what STYLE asks of it.
func TestRegistrations(t *testing.T) {
	for _, docs := range [][]Doc{Operators(), Sinks(), Listeners(), Settings()} {
		for _, d := range docs {
			if !strings.HasSuffix(d.Summary, ".") {
				t.Errorf("%s: the summary %q is no sentence", d.Name, d.Summary)
			}
			for _, a := range d.Args {
				if a.Type == "" {
					t.Errorf("%s: %s has no type name", d.Name, a.Name)
				}
			}
		}
	}
	for _, d := range Operators() {
		if d.Clock == "" {
			t.Errorf("%s does not say which clock it uses", d.Name)
		}
	}
}

// TestRegisterRefuses registers what must not be registered.
func TestRegisterRefuses(t *testing.T) {
	example := []Example{{Rule: "index"}}
	make := func(*Env, struct{}, Stream) (Stream, error) { return Discard, nil }
	for _, c := range []struct {
		name     string
		register func()
		want     string
	}{
		{"taken", func() {
			Register(Spec[struct{}]{Name: "sdo", Summary: "x.", New: make, Examples: example})
		}, `operator "sdo" is a name that is taken`},
		{"a field", func() {
			Register(Spec[struct{}]{Name: "host", Summary: "x.", New: make, Examples: example})
		}, `operator "host" is a name that is taken`},
		{"no summary", func() { Register(Spec[struct{}]{Name: "fresh", New: make, Examples: example}) }, "has no summary"},
		{"no example", func() { Register(Spec[struct{}]{Name: "fresh", Summary: "x.", New: make}) }, "has no example"},
		{"no New", func() { Register(Spec[struct{}]{Name: "fresh", Summary: "x.", Examples: example}) }, "has no New"},
		{"no doc", func() {
			RegisterSetting(SettingSpec[struct {
				A int `opt:"a"`
			}]{Name: "fresh", Summary: "x.", Examples: example})
		}, "option A: has no doc"},
		{"no tag", func() {
			RegisterSetting(SettingSpec[struct{ A int }]{Name: "fresh", Summary: "x.", Examples: example})
		}, "option A: wants an arg or an opt tag"},
		{"type", func() {
			RegisterSetting(SettingSpec[struct {
				A chan int `opt:"a" doc:"x"`
			}]{Name: "fresh", Summary: "x.", Examples: example})
		}, "option A: type chan int is not supported"},
		{"bound", func() {
			RegisterSetting(SettingSpec[struct {
				A int `opt:"a" min:"much" doc:"x"`
			}]{Name: "fresh", Summary: "x.", Examples: example})
		}, "option A: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, c.want) {
					t.Errorf("panicked with %q, want %q", got, c.want)
				}
			}()
			c.register()
		})
	}
}
