package streams

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

type sharedOptions struct {
	Limit int           `opt:"limit" min:"1" max:"9" doc:"how many"`
	Pause time.Duration `opt:"pause" doc:"how long"`
}

type gateOptions struct {
	Address string `arg:"1" doc:"host:port"`
	Name    string `opt:"name" doc:"whose"`
	sharedPair
}

type sharedPair struct {
	First bool `opt:"first" doc:"before the others"`
	sharedOptions
}

// Options of embedded structs, however deep, are set, bounded, documented and suggested like those of the struct.
func TestSharedOptions(t *testing.T) {
	RegisterListener(ListenerSpec[gateOptions]{
		Name:     "gate",
		Summary:  "A door with options that it shares with others.",
		Defaults: gateOptions{sharedPair: sharedPair{sharedOptions: sharedOptions{Limit: 5}}},
		Examples: []Example{{Rule: `listen.gate("127.0.0.1:1")`}},
	})
	defer delete(listeners, "gate")
	rules, problems := LoadText("rules", `listen.gate("a:1", {limit: 7, name: "x", pause: "2s", first: true}); listen.gate("b:1");`, LoadOptions{Serve: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := rules.Listeners[0].Options.(gateOptions)
	if want := (gateOptions{"a:1", "x", sharedPair{true, sharedOptions{7, 2 * time.Second}}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := rules.Listeners[1].Options.(gateOptions); got.Limit != 5 {
		t.Errorf("limit %d, want its default 5", got.Limit)
	}
	_, problems = LoadText("rules", `listen.gate("a:1", {limit: 10}); listen.gate("a:1", {limmit: 1});`, LoadOptions{Serve: true})
	if text := problems.Err().Error(); !strings.Contains(text, "at most 9") || !strings.Contains(text, `did you mean "limit"`) {
		t.Errorf("problems: %s", text)
	}
	for _, d := range Listeners() {
		if d.Name == "gate" && (len(d.Args) != 5 || d.Args[3].Name != "limit" || d.Args[3].Default != "5") {
			t.Errorf("documented: %+v", d.Args)
		}
	}
	if _, err := optionFields(reflect.TypeFor[struct{ gateOptions }]()); err == nil || !strings.Contains(err.Error(), "address is an argument") {
		t.Errorf("a shared argument: %v, want an error", err)
	}
}
