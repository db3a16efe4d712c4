package server

import (
	"net/http"
	"time"

	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[AlertmanagerOptions]{
		Name:    "alertmanager",
		Summary: "Take alerts as Alertmanager's webhook, or Prometheus itself, sends them.",
		Doc: "POST to any path, either a webhook's {\"alerts\": […]} or the list that Alertmanager's own API takes, which is also how collectd's write_http sends notifications. alertname is the service, apart names labels whose values are appended; " +
			"host is the label host, else the host in instance, else the sender's address; labels and annotations are attributes, one named like a field of an event with tag at its end; " +
			"description is the annotation summary, else description, else message. A resolved alert has state ok. One that fires has state critical if its severity is critical, error, page, failure or missing, warning for warning, info and their like, " +
			"and for any other word the word. The ttl is longer than Alertmanager's repeat_interval, so that an alert that is still true does not expire between two tellings. " +
			"A body with an alert that cannot be read is answered 400 and not taken at all.",
		Defaults: AlertmanagerOptions{TTL: 5 * time.Hour, DoorOptions: doorOptions(10_000)},
		Check:    func(o AlertmanagerOptions) error { return o.DoorOptions.check() },
		Examples: []streams.Example{
			{Title: "webhook_configs: [{url: \"http://127.0.0.1:9094/\"}]", Rule: `listen.alertmanager("127.0.0.1:9094");`},
		},
	})
}

// AlertmanagerOptions are the options of listen.alertmanager.
type AlertmanagerOptions struct {
	Address string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Apart   []string      `opt:"apart" doc:"labels whose values are appended to the service; \"*\" for all"`
	TTL     time.Duration `opt:"ttl" doc:"the events' ttl; 0: none"`
	DoorOptions
}

func (o AlertmanagerOptions) open(s *Server) (listener, error) {
	mux := http.NewServeMux()
	d, err := openDoor(s, "alertmanager", o.Address, o.DoorOptions, mux)
	if err != nil {
		return nil, err
	}
	m := &alertMapping{apart: o.Apart, ttl: o.TTL.Seconds()}
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if err := d.alerts(w, r, m); err != nil {
			d.refuse(w, r, err)
		}
	})
	return d, nil
}

// alerts takes one request.
func (d *bodyDoor) alerts(w http.ResponseWriter, r *http.Request, m *alertMapping) error {
	if err := d.enter(r.Context()); err != nil {
		return err
	}
	defer d.leave()
	b, err := d.body(w, r)
	if err != nil {
		return err
	}
	return d.decoded(m.read(b, d.peer(r), d.opts.MaxEvents, d.taker(r)), http.StatusRequestEntityTooLarge)
}
