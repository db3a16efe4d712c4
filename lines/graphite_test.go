package lines

import "testing"

func TestGraphite(t *testing.T) {
	testFile(t, "graphite", (&Graphite{}).Parse)
	testFile(t, "graphite_tags", (&Graphite{Tags: true}).Parse)
	for name, template := range map[string]string{
		"graphite_rest": "_.host.service*", "graphite_exact": "env.host.host.service", "graphite_collectd": "_.host.collectd*",
	} {
		tmpl, err := ParseTemplate(template)
		if err != nil {
			t.Fatal(err)
		}
		testFile(t, name, (&Graphite{Template: tmpl}).Parse)
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, bad := range []string{"host", "a..service", "service*.host", "ho*.service", "."} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("template %q is accepted", bad)
		}
	}
}

func FuzzGraphite(f *testing.F) {
	recorded(f, "graphite")
	recorded(f, "graphite-collectd")
	seeds(f, "graphite")
	seeds(f, "graphite_tags")
	seeds(f, "graphite_collectd")
	tmpl, err := ParseTemplate("_.host.collectd*")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, g := range []Graphite{{}, {Tags: true}, {Template: tmpl}} {
			fuzzed(t, line, g.Parse)
		}
	})
}
