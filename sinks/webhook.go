package sinks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[WebhookOptions]{
		Name:    "webhook",
		Summary: "Post events as JSON to an HTTP address.",
		Doc: `The body is a JSON array. Format events writes each event in Riemann's JSON form. Format logs writes what log intakes
take (Datadog Logs, the successor of Logmatic): message, hostname, service, status, ddsource, ddtags, timestamp in
milliseconds, and the attributes beside them; a metric that is not finite is left out. Events are gathered for wait, up to
batch of them, into one request. 408, 429 and 5xx are repeated, honouring Retry-After; 401 and 403 are repeated at long
pauses, since a key can be mended; any other refusal makes dead letters. Each request carries an Idempotency-Key that
stays the same when it is repeated.`,
		Deliver:  func(o WebhookOptions) streams.Delivery { return o.delivery() },
		Defaults: WebhookOptions{Format: "events", Batch: 100, Wait: time.Second, Timeout: 10 * time.Second, Kept: Kept{"alert"}},
		Check:    checkWebhook,
		Open:     openWebhook,
		Examples: []streams.Example{{
			Title: "errors go to the log service",
			Rule:  `let logs = webhook({url: "https://logs.example.com/api/v2/logs", format: "logs", gzip: true, headers: {"DD-API-KEY": env("LOG_KEY")}}); where(state == "error", logs)`,
			Test:  `at(0, event({host: "web1", service: "log app", state: "error"}), event({service: "log app", state: "ok"})), expect(logs, [{host: "web1"}])`,
		}},
	})
}

// WebhookOptions are the options of webhook.
type WebhookOptions struct {
	URL     string            `opt:"url"     doc:"where to post; its host must be constant"`
	Headers map[string]string `opt:"headers" doc:"headers of each request, such as the API key; the values never appear in a log" secret:"true"`
	Format  string            `opt:"format"  enum:"events,logs" doc:"form of the JSON: events or logs"`
	Batch   int               `opt:"batch"   min:"1" max:"1000" doc:"events in one request at most"`
	Wait    time.Duration     `opt:"wait"    max:"1m" doc:"how long an event waits for company; 0 sends at once"`
	Gzip    bool              `opt:"gzip"    doc:"compress the body"`
	CA      string            `opt:"ca"      doc:"PEM file of certificates to trust instead of the system's"`
	Timeout time.Duration     `opt:"timeout" min:"1s" max:"5m" doc:"longest duration of one request"`
	Kept
}

func checkWebhook(o WebhookOptions) error {
	return checkURL(o.URL, `webhook({url: "https://logs.example.com/intake"})`)
}

func openWebhook(o WebhookOptions) (any, error) {
	client, err := newHTTPClient(o.CA, o.Timeout)
	if err != nil {
		return nil, err
	}
	return Opened{Sender: &webhook{o: o, client: client}, Batching: Batching{Events: o.Batch, Wait: o.Wait}}, nil
}

type webhook struct {
	o      WebhookOptions
	client *http.Client
}

// Send implements Sender.
func (w *webhook) Send(ctx context.Context, alerts []*streams.Alert) error {
	var body bytes.Buffer
	body.WriteByte('[')
	for _, a := range alerts {
		for i := range a.Events {
			if body.Len() > 1 {
				body.WriteByte(',')
			}
			if w.o.Format == "logs" {
				body.Write(logEntry(&a.Events[i]))
			} else {
				body.Write(event.AppendJSON(body.AvailableBuffer(), &a.Events[i]))
			}
		}
	}
	if body.Len() == 1 {
		return nil // only empty windows
	}
	body.WriteByte(']')
	req, err := post(ctx, w.o.URL, "application/json", body.Bytes(), w.o.Gzip)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%016x-%016x-%d", alerts[0].ID, alerts[len(alerts)-1].ID, len(alerts)))
	for k, v := range w.o.Headers {
		req.Header.Set(k, v)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", withoutURL(err))
	}
	if err := statusError(resp); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// logEntry is an event as a log intake takes it.
func logEntry(e *event.Event) []byte {
	entry := map[string]any{}
	for _, a := range e.Attrs() {
		entry[a.Key] = a.Value
	}
	message := e.Description
	if message == "" {
		message = strings.TrimSpace(strings.Join([]string{e.Service, e.State, metricText(e)}, " "))
	}
	entry["message"] = message
	entry["ddsource"] = "zeta"
	if e.Is(event.HasHost) {
		entry["hostname"] = e.Host
	}
	if e.Is(event.HasService) {
		entry["service"] = e.Service
	}
	if e.Is(event.HasState) {
		entry["status"] = logStatus(e.State)
		entry["state"] = e.State
	}
	if e.Is(event.HasTime) {
		entry["timestamp"] = e.Time / 1000
	}
	if m, ok := e.Metric(); ok && m-m == 0 { // finite
		if e.Is(event.HasInt) {
			entry["metric"] = e.Int
		} else {
			entry["metric"] = m
		}
	}
	if tags := e.Tags(); len(tags) > 0 {
		entry["ddtags"] = strings.Join(tags, ",")
	}
	b, err := json.Marshal(entry)
	if err != nil {
		return []byte(`{"message":"an event that could not be written as JSON"}`)
	}
	return b
}

func logStatus(state string) string {
	return [...]string{"info", "notice", "warn", "error"}[event.SeverityOf(state)]
}
