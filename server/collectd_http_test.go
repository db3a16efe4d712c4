package server

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"zeta/collectd"
)

func TestCollectdBodies(t *testing.T) {
	s := serve(t, `listen.collectdHTTP("127.0.0.1:0", {token: "secret", tags: ["collectd"], maxEvents: 60}); expire({every: "1h"});`+httpDoor)
	send := func(body string, status int, want string) {
		t.Helper()
		got, _, answer := s.post("collectdHTTP", "/", []byte(body), "Authorization", "Basic bWU6c2VjcmV0")
		if got != status || !strings.Contains(answer, want) {
			t.Errorf("%.60s: %d %s, want %d …%s…", body, got, answer, status, want)
		}
	}
	for _, name := range []string{"json_1", "notification", "json_2"} {
		b, err := os.ReadFile("../collectd/testdata/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		send(string(b), 200, "{}")
	}
	list := func(name string, value string) string {
		return fmt.Sprintf(`{"host":"web2","plugin":"p","type":"gauge","type_instance":%q,"values":[%s],"dstypes":["gauge"],"dsnames":["value"],"time":1795546371,"interval":10}`, name, value)
	}
	send(`[`+list("good", "1")+`,{},`+list("bad", `"x"`)+`,`+list("better", "2")+`]`, 400, "item 1: a value list without plugin, type or values; and 1 more; the other 2 were taken")
	send(list("alone", "3"), 200, "{}")
	send("PUTVAL web2/p/load interval=10 1795546371:1:2:3\r\nPUTVAL\r\n", 400, `line 1: found \"PUTVAL\", want`)
	send("", 200, "{}")
	send("[]", 200, "{}")
	send("[", 400, "not valid JSON")
	send("["+strings.Repeat(list("many", "1")+",", 70)+list("many", "1")+"]", 413, "more than 60 events; the first 60 were taken")
	if status, _, _ := s.post("collectdHTTP", "/", nil, "Authorization", "Basic bWU6d3Jvbmc="); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
	// curl waits for the question before it says a password.
	if status, header, _ := s.post("collectdHTTP", "/", nil); status != 401 || header.Get("WWW-Authenticate") != `Basic realm="zeta"` || s.refused("collectdHTTP", "challenge") != 1 {
		t.Errorf("no password: %d %v", status, header)
	}
	s.arrives(`service = "df-root/percent_bytes-free"`, `"metric":7.5`, `"ttl":20.0`, `"tags":["collectd"]`)
	s.arrives(`service = "interface-lo/if_octets/rx"`, `"ds_type":"derive:rate"`, `"host":"web1.example.com"`)
	s.arrives(`service = "smart-sdb/smart_badsectors"`, `"state":"critical"`, `"tags":["notification","collectd"]`, `"ttl":null`)
	for _, service := range []string{"p/gauge-good", "p/gauge-better", "p/gauge-alone", "p/gauge-many", "p/load/midterm"} {
		s.arrives(`service = "`+service+`"`, `"host":"web2"`)
	}
}

// TestCollectdRates says what to do when the two sides do not agree on who makes rates.
func TestCollectdRates(t *testing.T) {
	b, err := os.ReadFile("../collectd/testdata/rates_2.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, `listen.collectdHTTP("127.0.0.1:0");`+httpDoor)
	if status, _, answer := s.post("collectdHTTP", "/", b); status != 400 || !strings.Contains(answer, "a sender with StoreRates true needs storeRates: true here") {
		t.Errorf("%d %s", status, answer)
	}
	s = serve(t, `listen.collectdHTTP("127.0.0.1:0", {storeRates: true}); expire({every: "1h"});`+httpDoor)
	if status, _, answer := s.post("collectdHTTP", "/", b); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	s.arrives(`service = "interface-lo/if_octets/rx"`, `"metric":14174.3033477216`, `"ds_type":"derive:rate"`)
}

// TestCollectdMemory holds that a body of as many items as possible is not held as events.
func TestCollectdMemory(t *testing.T) {
	item := `{"plugin":"p","type":"t","values":[1,1],"dstypes":["gauge","gauge"],"dsnames":["",""]},`
	size := bombSize()
	for _, body := range []string{
		"[" + strings.Repeat(item, size/len(item)) + strings.TrimSuffix(item, ",") + "]",
		"[" + strings.Repeat("{},", size/3) + item[:len(item)-1] + "]",
		strings.Repeat("PUTVAL a/b/gauge N:1\n", size/21),
	} {
		text := []byte(body)
		heap := newPeak(len(text))
		types := collectd.Types{"gauge": {{Name: "value", Kind: collectd.Gauge}}}
		b := &collectdBody{collectdBodies: &collectdBodies{types: types, mapper: collectd.NewMapper(collectd.Options{Types: types})}, most: 10_000_000, ingest: heap.ingest}
		b.read(text)
		heap.within(t, 4)
	}
}
