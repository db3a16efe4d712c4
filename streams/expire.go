package streams

import (
	"fmt"
	"slices"
	"time"

	"zeta/event"
)

func init() {
	RegisterSetting(SettingSpec[ExpireOptions]{
		Name:    "expire",
		Summary: "Say how often the index is swept and what an expired event carries.",
		Doc: "A sweep removes every event that is older than its ttl (60 s without one) and sends through the rules an event with its host and service, " +
			"state expired, the present time, and the fields in keep. It never has the metric of the last event, which would fire thresholds again.",
		Defaults: DefaultExpire,
		Check:    ExpireOptions.check,
		Examples: []Example{{Title: "quicker, with the last description", Rule: `expire({every: "5s", keep: ["tags", "attributes", "description"]});`}},
	})
}

// DefaultExpire is what holds where no file says otherwise.
var DefaultExpire = ExpireOptions{Every: 10 * time.Second, Keep: []string{"tags", "attributes"}}

// ExpireOptions is the setting expire({…}).
type ExpireOptions struct {
	Every time.Duration `opt:"every" min:"10ms" max:"1h" doc:"time between two sweeps"`
	Keep  []string      `opt:"keep" doc:"fields of the last event that the expired event carries: tags, attributes, description, ttl"`
}

func (o ExpireOptions) check() error {
	for _, f := range o.Keep {
		switch f {
		case "tags", "attributes", "description", "ttl":
		default:
			return fmt.Errorf("keep: %q cannot be kept; want any of tags, attributes, description, ttl", f)
		}
	}
	return nil
}

func (o ExpireOptions) keeps(field string) bool { return slices.Contains(o.Keep, field) }

// Expired returns the event that says at now, in microseconds, that the source of last fell silent. It shares what it
// keeps with last.
func (o ExpireOptions) Expired(last *event.Event, now int64) *event.Event {
	e := &event.Event{Host: last.Host, Service: last.Service, Has: last.Has & identity, Own: last.Own}
	e.SetState(event.Expired)
	e.SetTime(now)
	if o.keeps("description") && last.Has&event.HasDescription != 0 {
		e.SetDescription(last.Description)
	}
	if o.keeps("ttl") && last.Has&event.HasTTL != 0 {
		e.SetTTL(last.TTL)
	}
	if last.Set != nil {
		switch tags, attributes := o.keeps("tags"), o.keeps("attributes"); {
		case tags && attributes:
			e.Set = last.Set
		case tags:
			e.Set = event.NewSet(last.Set.Tags, nil)
		case attributes:
			e.Set = event.NewSet(nil, last.Set.Attrs)
		}
	}
	return e
}
