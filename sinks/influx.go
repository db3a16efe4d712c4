package sinks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[InfluxOptions]{
		Name:    "influx",
		Summary: "Write events to InfluxDB, VictoriaMetrics and others that take InfluxDB's line protocol over HTTP.",
		Doc: `With bucket events go to /api/v2/write, with db to /write. The measurement is the service; tags are the host and the attributes
named in tags; fields are value (the metric, always a float), state, description and tags (with commas between them), as far
as they are there. The time is in microseconds. An event without a service, or without any field, is left out.

When the server refuses a request its events are sent one by one, so that those it can take are not lost by the others;
those it cannot take are dead letters. What is sent twice overwrites itself.`,
		Deliver:  func(o InfluxOptions) streams.Delivery { return o.delivery() },
		Defaults: InfluxOptions{Batch: 500, Wait: time.Second, Gzip: true, Timeout: 10 * time.Second, Kept: Kept{"bulk"}},
		Check:    checkInflux,
		Open:     openInflux,
		Examples: []streams.Example{{
			Title: "metrics are kept in InfluxDB",
			Rule:  `let store = influx({url: "http://influx.example.com:8086", org: "ops", bucket: "metrics", token: env("INFLUX_TOKEN"), tags: ["plugin"]}); where(metric != nil, store)`,
			Test:  `at(0, event({host: "web1", service: "cpu", metric: 0.5}), event({service: "log"})), expect(store, [{host: "web1"}])`,
		}},
	})
}

// InfluxOptions are the options of influx.
type InfluxOptions struct {
	URL     string        `opt:"url"     doc:"address of the server, such as http://127.0.0.1:8086"`
	DB      string        `opt:"db"      doc:"database, of InfluxDB 1"`
	Org     string        `opt:"org"     doc:"organisation, of InfluxDB 2"`
	Bucket  string        `opt:"bucket"  doc:"bucket, of InfluxDB 2"`
	Token   string        `opt:"token"   doc:"token, of InfluxDB 2, or USER:PASSWORD of 1" secret:"true"`
	Tags    []string      `opt:"tags"    doc:"attributes that are tags; others are left out"`
	Batch   int           `opt:"batch"   min:"1" max:"1000" doc:"events in one request at most"`
	Wait    time.Duration `opt:"wait"    max:"1m" doc:"how long an event waits for company; 0 sends at once"`
	Gzip    bool          `opt:"gzip"    doc:"compress the body"`
	CA      string        `opt:"ca"      doc:"PEM file of certificates to trust instead of the system's"`
	Timeout time.Duration `opt:"timeout" min:"1s" max:"5m" doc:"longest duration of one request"`
	Kept
}

func checkInflux(o InfluxOptions) error {
	if err := checkURL(o.URL, `influx({url: "http://127.0.0.1:8086", db: "metrics"})`); err != nil {
		return err
	}
	if (o.DB == "") == (o.Bucket == "") {
		return errors.New("want db, for InfluxDB 1, or org and bucket, for InfluxDB 2")
	}
	return nil
}

func openInflux(o InfluxOptions) (any, error) {
	client, err := newHTTPClient(o.CA, o.Timeout)
	if err != nil {
		return nil, err
	}
	q := url.Values{"precision": {"u"}, "db": {o.DB}}
	path := "/write"
	if o.Bucket != "" {
		q = url.Values{"precision": {"us"}, "org": {o.Org}, "bucket": {o.Bucket}}
		path = "/api/v2/write"
	}
	to := strings.TrimSuffix(o.URL, "/") + path + "?" + q.Encode()
	return Opened{Sender: &influx{o: o, to: to, client: client}, Batching: Batching{Events: o.Batch, Wait: o.Wait}}, nil
}

type influx struct {
	o      InfluxOptions
	to     string
	client *http.Client
}

// Send implements Sender.
func (x *influx) Send(ctx context.Context, alerts []*streams.Alert) error {
	var lines []byte
	for _, a := range alerts {
		for i := range a.Events {
			lines = appendInfluxLine(lines, &a.Events[i], x.o.Tags)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	req, err := post(ctx, x.to, "text/plain; charset=utf-8", lines, x.o.Gzip)
	if err != nil {
		return fmt.Errorf("influx: %w", err)
	}
	if user, password, ok := strings.Cut(x.o.Token, ":"); x.o.DB != "" && ok {
		req.SetBasicAuth(user, password)
	} else if x.o.Token != "" {
		req.Header.Set("Authorization", "Token "+x.o.Token)
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return fmt.Errorf("influx: %w", withoutURL(err))
	}
	if err := statusError(resp); err != nil {
		return fmt.Errorf("influx: %w", err)
	}
	return nil
}

// appendInfluxLine appends an event as a line of InfluxDB's protocol, or nothing if it cannot be one.
func appendInfluxLine(dst []byte, e *event.Event, tags []string) []byte {
	if e.Service == "" {
		return dst
	}
	begin := len(dst)
	name := influxText(e.Service)
	if name[0] == '#' {
		name = "_" + name[1:] // a line that begins so is a comment
	}
	dst = appendInfluxName(dst, name, ", ")
	tag := func(key, value string) {
		if value = influxText(value); value != "" {
			dst = append(appendInfluxName(append(dst, ','), influxText(key), ",= "), '=')
			dst = appendInfluxName(dst, value, ",= ")
		}
	}
	tag("host", e.Host)
	for _, a := range e.Attrs() {
		if slices.Contains(tags, a.Key) && a.Key != "host" {
			tag(a.Key, a.Value)
		}
	}
	dst = append(dst, ' ')
	fields := len(dst)
	field := func(key, value string) {
		if len(dst) > fields {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, key...), '='), value...)
	}
	if m, ok := e.Metric(); ok && !math.IsNaN(m) && !math.IsInf(m, 0) {
		field("value", strconv.FormatFloat(m, 'g', -1, 64))
	}
	text := func(key, value string) {
		if value = influxText(value); value != "" {
			field(key, `"`+influxString.Replace(value)+`"`)
		}
	}
	text("state", e.State)
	text("description", e.Description)
	text("tags", strings.Join(e.Tags(), ","))
	if len(dst) == fields {
		return dst[:begin]
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, e.Time, 10)
	return append(dst, '\n')
}

var influxString = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// appendInfluxName appends a name with what is special in it escaped. A backslash cannot be: one before something special,
// or at the end, becomes _.
func appendInfluxName(dst []byte, name, special string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '\\' && (i+1 == len(name) || strings.IndexByte(special, name[i+1]) >= 0):
			c = '_'
		case strings.IndexByte(special, c) >= 0:
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return dst
}

// influxText is a text without what would end a line.
func influxText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
