package sinks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[PagerDutyOptions]{
		Name:    "pagerduty",
		Summary: "Trigger and resolve incidents of PagerDuty (Events API v2).",
		Doc: `An event whose state is ok, okay, up or info, or that has none, resolves the incident of its host and service; any other
triggers it. The incident's key is "host service", so that an event that is sent twice makes one incident. The severity is critical
for critical, error, down, expired and the like, warning for warning, and error for states zeta does not know. Of a window each
event is sent.`,
		Differs: "Riemann's pagerduty hands out three streams, :trigger, :acknowledge and :resolve; here the state decides.",
		Defaults: PagerDutyOptions{
			URL: "https://events.pagerduty.com/v2/enqueue", Timeout: 10 * time.Second,
		},
		Check: func(o PagerDutyOptions) error {
			if o.Key == "" {
				return errors.New(`key is missing, e.g. pagerduty({key: env("PAGERDUTY_KEY")})`)
			}
			return nil
		},
		Open: func(o PagerDutyOptions) (any, error) {
			client, err := newHTTPClient(o.CA, o.Timeout)
			if err != nil {
				return nil, err
			}
			return Opened{Sender: &pagerDuty{o: o, client: client}}, nil
		},
		Examples: []streams.Example{{
			Title: "a host that is down is somebody's business",
			Rule:  `let duty = pagerduty({key: env("PAGERDUTY_KEY")}); where(service == "up", changedState({init: "up"}, duty))`,
			Test:  `at(0, event({host: "web1", service: "up", state: "down"})), at(60, event({host: "web1", service: "up", state: "up"})), expect(duty, [{state: "down"}, {state: "up"}])`,
		}},
	})
}

// PagerDutyOptions are the options of pagerduty.
type PagerDutyOptions struct {
	Key     string        `opt:"key"     doc:"integration key of the service (Events API v2)" secret:"true"`
	URL     string        `opt:"url"     doc:"address of the API; for proxies and tests"`
	CA      string        `opt:"ca"      doc:"PEM file of certificates to trust instead of the system's"`
	Timeout time.Duration `opt:"timeout" min:"1s" max:"5m" doc:"longest duration of one request"`
}

type pagerDuty struct {
	o      PagerDutyOptions
	client *http.Client
}

// Send implements Sender. One alert is one event but for windows, whose events may be sent again after an error: their
// keys make that harmless.
func (p *pagerDuty) Send(ctx context.Context, alerts []*streams.Alert) error {
	for n, a := range alerts {
		for i := range a.Events {
			if err := p.one(ctx, &a.Events[i]); err != nil {
				return Delivered(n, fmt.Errorf("pagerduty: %w", err))
			}
		}
	}
	return nil
}

// pagerEvent is a request's body.
type pagerEvent struct {
	RoutingKey string       `json:"routing_key"`
	Action     string       `json:"event_action"`
	DedupKey   string       `json:"dedup_key"`
	Client     string       `json:"client,omitempty"`
	Payload    *pagerDetail `json:"payload,omitempty"`
}

// pagerDetail is what a trigger tells.
type pagerDetail struct {
	Summary   string          `json:"summary"`
	Source    string          `json:"source"`
	Severity  string          `json:"severity"`
	Timestamp string          `json:"timestamp,omitempty"`
	Component string          `json:"component,omitempty"`
	Details   json.RawMessage `json:"custom_details"`
}

// Bounds of PagerDuty's, in bytes.
const (
	maxDedupKey = 255
	maxSummary  = 1024
)

func (p *pagerDuty) one(ctx context.Context, e *event.Event) error {
	body := pagerEvent{RoutingKey: p.o.Key, Action: "resolve", DedupKey: cutBytes(plainLine(e.Host+" "+e.Service), maxDedupKey)}
	if severity := event.SeverityOf(e.State); severity > event.Fine {
		body.Action, body.Client = "trigger", "zeta"
		body.Payload = &pagerDetail{
			Summary:   cutBytes(alertTitle(e), maxSummary),
			Source:    cutBytes(plainLine(e.Host), maxDedupKey),
			Severity:  [...]string{event.Odd: "error", event.Warning: "warning", event.Bad: "critical"}[severity],
			Component: cutBytes(plainLine(e.Service), maxDedupKey),
			Details:   event.AppendJSON(nil, e),
		}
		if body.Payload.Source == "" {
			body.Payload.Source = "zeta" // PagerDuty wants one
		}
		if e.Is(event.HasTime) {
			body.Payload.Timestamp = time.UnixMicro(e.Time).UTC().Format(time.RFC3339Nano)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.URL, bytes.NewReader(text))
	if err != nil {
		return Permanent(withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "zeta")
	resp, err := p.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	return statusError(resp)
}
