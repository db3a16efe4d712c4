package event_test

import (
	"testing"

	"zeta/event"
)

func TestFromLabels(t *testing.T) {
	labels := func() []event.Attr {
		return []event.Attr{{Key: "route", Value: "/x"}, {Key: "state", Value: "idle"}, {Key: "code", Value: "200"}, {Key: "none"}, {Value: "nameless"}, {Key: "host", Value: "web1"}, {Key: "code", Value: "201"}}
	}
	for _, tt := range []struct {
		apart []string
		want  string
	}{
		{nil, "requests"},
		{[]string{"route"}, "requests /x"},
		{[]string{"code", "route", "missing"}, "requests 201 /x"},
		{[]string{"state", "*"}, "requests idle 201 /x"},
		{[]string{"*"}, "requests 201 /x idle"},
	} {
		e := event.FromLabels("requests", labels(), tt.apart)
		if e.Service != tt.want {
			t.Errorf("apart %q: service %q, want %q", tt.apart, e.Service, tt.want)
		}
		want := event.NewSet(nil, []event.Attr{{Key: "code", Value: "201"}, {Key: "statetag", Value: "idle"}, {Key: "route", Value: "/x"}})
		if e.Host != "web1" || e.Is(event.HasState) || !e.Set.Equal(want) {
			t.Errorf("apart %q: attributes %v, want %v", tt.apart, e.Set, want)
		}
	}
	if e := event.FromLabels("up", nil, []string{"*"}); e.Service != "up" || e.Set != nil || e.Is(event.HasHost) {
		t.Errorf("without labels: %+v", e)
	}
}

func TestHostOfInstance(t *testing.T) {
	for in, want := range map[string]string{
		"web1:9100": "web1", "web1": "web1", "": "", "[::1]:9100": "::1", "::1": "::1", "https://web1:443/path": "web1",
		"http://web1/path": "web1", "[broken": "[broken", "10.0.0.1:80": "10.0.0.1", ":80": "",
	} {
		if got := event.HostOfInstance(in); got != want {
			t.Errorf("HostOfInstance(%q) = %q, want %q", in, got, want)
		}
	}
}
