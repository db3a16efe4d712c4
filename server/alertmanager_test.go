package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"zeta/event"
)

const webhook = `{"version":"4","status":"firing","receiver":"zeta","alerts":[
{"status":"firing","labels":{"alertname":"DiskFull","instance":"web1:9100","severity":"page","service":"node"},"annotations":{"summary":"disk is full","runbook":"http://r"},"startsAt":"2023-11-14T22:13:20.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p","fingerprint":"f1"},
{"status":"resolved","labels":{"alertname":"Slow","host":"db1"},"annotations":{},"startsAt":"2023-11-14T22:00:00Z","endsAt":"2023-11-14T22:13:20Z"}]}`

// What collectd's write_http sends for a notification.
const collectdAlert = `[{"labels":{"alertname":"collectd_df","instance":"web3","severity":"FAILURE","service":"collectd","df":"root"},"annotations":{"summary":"Host web3: below"},"startsAt":"2023-11-14T22:13:20Z"}]`

func TestAlertEvents(t *testing.T) {
	now := time.Unix(1_700_000_100, 0)
	m := &alertMapping{ttl: 60}
	got := ""
	for _, body := range []string{webhook, collectdAlert} {
		if err := eachAlert([]byte(body), func(_ int, a *alert) error {
			e, err := m.event(a, "peer", now)
			got += string(event.AppendJSON(nil, &e)) + "\n"
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"host":"web1","service":"DiskFull","state":"critical","description":"disk is full","metric":null,"tags":null,"time":"2023-11-14T22:15:00.000Z","ttl":60.0,"fingerprint":"f1","generatorURL":"http://p","instance":"web1:9100","runbook":"http://r","servicetag":"node","severity":"page","startsAt":"2023-11-14T22:13:20Z","summary":"disk is full"}
{"host":"db1","service":"Slow","state":"ok","description":null,"metric":null,"tags":null,"time":"2023-11-14T22:13:20.000Z","ttl":60.0}
{"host":"web3","service":"collectd_df","state":"critical","description":"Host web3: below","metric":null,"tags":null,"time":"2023-11-14T22:15:00.000Z","ttl":60.0,"df":"root","instance":"web3","servicetag":"collectd","severity":"FAILURE","startsAt":"2023-11-14T22:13:20Z","summary":"Host web3: below"}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAlertState(t *testing.T) {
	for severity, want := range map[string]string{"": "critical", "Page": "critical", "WARNING": "warning", "info": "warning", "OKAY": "ok", "P3": "p3"} {
		if got := alertState(severity); got != want {
			t.Errorf("%q is %q, want %q", severity, got, want)
		}
	}
}

func TestAlertmanagerDoor(t *testing.T) {
	s := serveOptions(t, Options{RulesText: `listen.alertmanager("127.0.0.1:0", {maxEvents: 2}); index;`, Quiet: true})
	for _, tt := range []struct {
		body   string
		status int
		want   string
	}{
		{webhook, 200, ""},
		{collectdAlert, 200, ""},
		{`[]`, 200, ""},
		{`{}`, 400, "found no"},
		{`nonsense`, 400, "not valid JSON"},
		{`[{"labels":{}}]`, 400, "alert 0: an alert without the label alertname"},
		{`[{"labels":{"alertname":"a"},"status":"odd"}]`, 400, "want firing or resolved"},
		{`[{"labels":{"alertname":"a"},"startsAt":"soon"}]`, 400, "alert 0: parsing time"},
		{`[{"labels":{"alertname":"a"}},{"labels":{"alertname":"b"}},{"labels":{"alertname":"c"}}]`, 413, "more than 2 events"},
	} {
		resp, err := http.Post(fmt.Sprintf("http://%s/hook", s.Addr("alertmanager")), "application/json", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(b), tt.want) {
			t.Errorf("%.60s: %d %s %v, want %d …%s…", tt.body, resp.StatusCode, b, err, tt.status, tt.want)
		}
	}
	if n := s.index.Len(); n != 3 {
		t.Errorf("%d series, want 3", n)
	}
}

func FuzzAlerts(f *testing.F) {
	for _, piece := range recorded(f, "alertmanager") {
		f.Add(piece)
	}
	f.Add([]byte(webhook))
	f.Add([]byte(collectdAlert))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &alertMapping{apart: []string{"*"}}
		eachAlert(b, func(_ int, a *alert) error {
			if e, err := m.event(a, "", time.Unix(0, 0)); err == nil && (e.Service == "" || e.State == "") {
				t.Fatalf("%+v", e)
			}
			return nil
		})
	})
}

// TestAlertMemory holds that a body of as many alerts, or labels, as possible is not held as events.
func TestAlertMemory(t *testing.T) {
	small := `{"labels":{"alertname":"a"}},`
	large := `{"labels":{"alertname":"a",` + strings.Repeat(`"b":"c",`, 8000) + `"b":"c"}},`
	for _, body := range []string{small, large} {
		n := bombSize() / len(body)
		text := []byte("[" + strings.Repeat(body, n) + strings.TrimSuffix(body, ",") + "]")
		heap := newPeak(len(text))
		if err := (&alertMapping{}).read(text, "", 10_000_000, heap.ingest); err != nil || heap.events != n+1 {
			t.Errorf("%d events, %v", heap.events, err)
		}
		heap.within(t, 4)
		heap.events = 0
		if err := (&alertMapping{}).read(text, "", 1, heap.ingest); err != errTooMany || heap.events > 0 {
			t.Errorf("too many: %d events, %v", heap.events, err)
		}
	}
}
