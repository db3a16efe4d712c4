package senders

import "testing"

func testStatsd(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_STATSD", "statsd", "PyPI statsd 4.0.1 over UDP and TCP, datadog 0.56.0 with tags, an event and a service check.")
	python(t, "send_statsd.py", d.host(), d.port())
	d.want(t, `service = "plain.orders" and metric > 0`, map[string]any{"host": "web1", "metric": 3})
	d.want(t, `service = "stream.orders" and metric > 0`, map[string]any{"metric": 4})
	d.want(t, `service = "plain.queue"`, map[string]any{"metric": 15})
	d.want(t, `service = "plain.latency 0.5"`, map[string]any{"metric": 320})
	d.want(t, `service = "plain.latency mean"`, map[string]any{"metric": 320})
	d.want(t, `service = "plain.users"`, map[string]any{"metric": 1})
	d.want(t, `service = "dog.queue"`, map[string]any{"host": "web2", "metric": 2.5, "env": "prod"})
	d.want(t, `service = "dog.size 0.5"`, map[string]any{"host": "web1", "metric": 12, "env": "prod"})
	d.want(t, `service = "dog.wait min"`, map[string]any{"metric": 0.5})
	d.want(t, `service = "dog.users"`, map[string]any{"metric": 1})
	d.want(t, `service = "deploy"`, map[string]any{"host": "web2", "state": "warning", "description": "version 7 is out\nand runs", "time": then, "env": "prod"})
	d.want(t, `service = "dog.database"`, map[string]any{"host": "web2", "state": "critical", "description": "it does not answer", "time": then})
}
