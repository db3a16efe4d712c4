package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zeta/event"
	"zeta/internal/jsonparts"
)

// alert is one alert as Alertmanager sends it in a webhook, and takes it in its API.
type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// eachAlert reads the body of a webhook, {"alerts": […]}, or of the API, […], and gives its alerts to f one by one.
func eachAlert(b []byte, f func(i int, a *alert) error) error {
	if !json.Valid(b) {
		return errors.New("the body is not valid JSON")
	}
	list := b
	if trimmed := bytes.TrimLeft(b, " \t\r\n"); trimmed[0] != '[' {
		list = nil
		if err := jsonparts.Members(b, func(key string, part []byte) error {
			if key == "alerts" {
				list = part
			}
			return nil
		}); err != nil {
			return err
		}
		if list == nil {
			return errors.New(`found no "alerts", want {"alerts": [{"labels": {"alertname": …}, …}]} or a list of alerts`)
		}
	}
	return jsonparts.Items(list, func(i int, part []byte) error {
		if len(part) > maxAlert {
			return fmt.Errorf("alert %d has %d bytes, limit %d", i, len(part), maxAlert)
		}
		var a alert
		if err := json.Unmarshal(part, &a); err != nil {
			return fmt.Errorf("alert %d: %w", i, err)
		}
		return f(i, &a)
	})
}

// maxAlert bounds one alert, in bytes.
const maxAlert = 64 << 10

// alertMapping turns alerts into events.
type alertMapping struct {
	apart []string
	ttl   float64
}

// read reads a body twice, first to see that it can be read whole and has no more alerts than most; then its
// events enter the rules some at a time.
func (m *alertMapping) read(b []byte, peer string, most int, ingest func([]event.Event) error) error {
	now := time.Now()
	each := func(f func(i int, e event.Event) error) error {
		return eachAlert(b, func(i int, a *alert) error {
			e, err := m.event(a, peer, now)
			if err != nil {
				return fmt.Errorf("alert %d: %w", i, err)
			}
			return f(i, e)
		})
	}
	if err := each(func(i int, _ event.Event) error {
		if i >= most {
			return errTooMany
		}
		return nil
	}); err != nil {
		return err
	}
	var batch []event.Event
	labels := 0
	err := each(func(_ int, e event.Event) error {
		batch = append(batch, e)
		if labels += len(e.Attrs()); len(batch) < eventsPerRun && labels < labelsPerRun {
			return nil
		}
		err := ingest(batch)
		clear(batch)
		batch, labels = batch[:0], 0
		return err
	})
	if err == nil && len(batch) > 0 {
		err = ingest(batch)
	}
	return err
}

// event makes the event of an alert; peer is the host of those that name none.
func (m *alertMapping) event(a *alert, peer string, now time.Time) (event.Event, error) {
	name := a.Labels["alertname"]
	if name == "" {
		return event.Event{}, errors.New("an alert without the label alertname")
	}
	var labels []event.Attr
	for k, v := range a.Labels {
		if k != "alertname" {
			labels = append(labels, event.Attr{Key: k, Value: v})
		}
	}
	slices.SortFunc(labels, func(a, b event.Attr) int { return strings.Compare(a.Key, b.Key) })
	service := event.FromLabels(name, slices.Clone(labels), m.apart).Service
	for k, v := range a.Annotations {
		if _, isLabel := a.Labels[k]; !isLabel && k != "host" {
			labels = append(labels, event.Attr{Key: k, Value: v})
		}
	}
	labels = append(labels, event.Attr{Key: "generatorURL", Value: a.GeneratorURL}, event.Attr{Key: "fingerprint", Value: a.Fingerprint})
	e := event.FromLabels(service, labels, nil)
	if host := event.HostOfInstance(a.Labels["instance"]); !e.Is(event.HasHost) && host != "" {
		e.SetHost(host)
	} else if !e.Is(event.HasHost) && peer != "" {
		e.SetHost(peer)
	}
	for _, key := range []string{"summary", "description", "message"} {
		if text := a.Annotations[key]; text != "" {
			e.SetDescription(text)
			break
		}
	}
	e.SetState(alertState(a.Labels["severity"]))
	at := a.StartsAt
	over := !a.EndsAt.IsZero() && !a.EndsAt.After(now)
	if a.Status == "resolved" || a.Status == "" && over {
		e.SetState("ok")
		if over {
			at = a.EndsAt
		}
	} else if a.Status != "" && a.Status != "firing" {
		return event.Event{}, fmt.Errorf("alert %.100q has status %.40q, want firing or resolved", name, a.Status)
	}
	// An alert that is told again is still true: its time is that of the telling, and when it began an attribute.
	if e.State != "ok" {
		if !at.IsZero() {
			e.Set = e.Set.WithAttr("startsAt", at.UTC().Format(time.RFC3339))
		}
		at = now
	}
	if at.IsZero() {
		at = now
	}
	e.SetTime(at.UnixMicro())
	if m.ttl > 0 {
		e.SetTTL(m.ttl)
	}
	return e, nil
}

// alertState is the state of an alert that fires. A severity that is none of the usual words is the state itself;
// without one, an alert is critical.
func alertState(severity string) string {
	switch s := strings.ToLower(severity); s {
	case "", "critical", "crit", "error", "page", "emergency", "fatal", "high", "failure":
		return "critical"
	case "warning", "warn", "medium", "low", "info", "information", "notice", "none":
		return "warning"
	case "ok", "okay":
		return "ok"
	default:
		return s
	}
}
