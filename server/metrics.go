package server

import (
	"time"

	"zeta/event/wire"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what /metrics shows. None is labelled by anything an event contains.
type metrics struct {
	registry    *prometheus.Registry
	refused     *prometheus.CounterVec
	throttle    *prometheus.CounterVec
	shed        *prometheus.CounterVec
	fixed       *prometheus.CounterVec
	certReloads *prometheus.CounterVec
	panics      prometheus.Counter
	clockSteps  prometheus.Counter
	reloads     *prometheus.CounterVec
	reloadLock  prometheus.Histogram
	subscribers *prometheus.GaugeVec
	cut         prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zeta_server_refusals_total",
			Help: "What was refused: connections, messages, datagrams, lines, queries, requests.",
		}, []string{"listener", "reason"}),
		throttle: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zeta_server_throttle_seconds_total",
			Help: "Time for which connections were not read because their peers, or all together, sent more than they may.",
		}, []string{"listener"}),
		shed: newShedCounter(),
		fixed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zeta_server_fixes_total",
			Help: "What was mended in or left out of received events.",
		}, []string{"kind"}),
		certReloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zeta_server_certificate_reloads_total",
			Help: "Attempts to load changed certificate files.",
		}, []string{"result"}),
		clockSteps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "zeta_server_clock_steps_total",
			Help: "Times the machine's wall clock was set by a second or more.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "zeta_server_panics_total",
			Help: "Faults of the program in connections and requests; each is logged with its stack.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zeta_server_reloads_total",
			Help: "Attempts to load the rules again.",
		}, []string{"result"}),
		reloadLock: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "zeta_server_reload_lock_seconds",
			Help:    "Time for which events waited while rules were changed.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
		subscribers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "zeta_server_subscribers",
			Help: "Open subscriptions.",
		}, []string{"kind"}),
		cut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "zeta_server_subscribers_cut_total",
			Help: "Subscribers closed because they did not read.",
		}),
	}
	for _, result := range [...]string{"ok", "error"} {
		m.reloads.WithLabelValues(result) // 0, not absent: an alert on its increase sees the first one
	}
	m.registry.MustRegister(m.refused, m.shed, m.throttle, m.fixed, m.certReloads, m.panics, m.clockSteps, m.subscribers, m.cut, m.reloads, m.reloadLock,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&figures{server: s}, &storeFigures{server: s}, &memoryFigures{server: s})
	return m
}

// throttled counts time for which a connection was not read.
func (m *metrics) throttled(listener string, d time.Duration) {
	m.throttle.WithLabelValues(listener).Add(d.Seconds())
}

// fixes counts the difference between two states of a decoder's figures.
func (m *metrics) fixes(before, now wire.Stats) {
	for _, f := range [...]struct {
		kind string
		n    uint64
	}{
		{"invalid_utf8", now.InvalidUTF8 - before.InvalidUTF8},
		{"truncated", now.Truncated - before.Truncated},
		{"attribute_moved", now.AttributesMoved - before.AttributesMoved},
		{"attribute_dropped", now.AttributesDropped - before.AttributesDropped},
		{"empty_service", now.EmptyServices - before.EmptyServices},
		{"time_clamped", now.TimesClamped - before.TimesClamped},
		{"state_ignored", now.States - before.States},
	} {
		if f.n > 0 {
			m.fixed.WithLabelValues(f.kind).Add(float64(f.n))
		}
	}
}

// figures reads the engine's, the index's and the listeners' figures when /metrics is asked for.
type figures struct{ server *Server }

var (
	descEvents     = desc("zeta_server_events_total", "Events that ran through the rules, those made by timers not included.")
	descBatches    = desc("zeta_server_batches_total", "Batches that entered the engine.")
	descLatency    = desc("zeta_server_batch_seconds", "Time from a batch's arrival at the engine to its end, waiting included.")
	descExpired    = desc("zeta_server_expired_total", "Events of the index that went past their ttl.")
	descPanics     = desc("zeta_server_rule_panics_total", "Faults of the program in rules.")
	descReinject   = desc("zeta_server_reinject_dropped_total", "Reinjected events dropped because too many were waiting.")
	descSilences   = desc("zeta_server_silences", "Silences in force.")
	descHeld       = desc("zeta_server_silenced_waiting", "Alerts that silences hold, to be sent when they end.")
	descSilenced   = desc("zeta_server_silenced_alerts_total", "Alerts held back by silences.")
	descHeldLost   = desc("zeta_server_silenced_dropped_total", "Alerts held back that are not sent at the end because too many were held.")
	descSeries     = desc("zeta_index_series", "Series in the index.")
	descHistory    = desc("zeta_server_history_series", "Series whose history is kept for charts.")
	descHistoryOut = desc("zeta_server_history_refused", "Series of the index whose history is not kept, the limit being reached.")
	descUnresolved = desc("zeta_index_unresolved_total", "Events that got no series because a limit was reached.")
	descRefused    = desc("zeta_index_refused_total", "Events that were not indexed because a limit was reached.")
	descBadTTL     = desc("zeta_index_bad_ttl_total", "Events with a ttl that is not above 0; the default was taken.")
	descSkewed     = desc("zeta_index_skewed_total", "Events whose time was too far from their arrival to count for expiry.")
	descSubs       = desc("zeta_index_subscriptions", "Open subscriptions of all kinds.")
	descPending    = desc("zeta_index_pending_events", "Events that wait to be encoded for subscribers.")
	descHubBytes   = desc("zeta_index_subscriber_bytes", "Bytes held for subscribers.")
	descLagged     = desc("zeta_index_lagged_total", "Subscriptions cut off because they fell behind.")
	descHubRefused = desc("zeta_index_subscriptions_refused_total", "Subscriptions refused because a limit was reached.")
	descRuleFailed = desc("zeta_streams_failures_total", "Events that an operator could not deal with.", "operator", "rule")
	descRuleShed   = desc("zeta_streams_shed_total", "What an operator dropped on reaching a bound.", "operator", "rule")
	descConns      = desc("zeta_server_connections", "Open connections.", "listener")
	descLost       = desc("zeta_server_datagrams_lost_total", "Datagrams that the kernel dropped because the receive buffer of their listener was full.", "listener")
	descCert       = desc("zeta_server_certificate_expiry_timestamp_seconds", "When the certificate of a listener expires.", "listener")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descEvents, descBatches, descLatency, descExpired, descPanics, descReinject, descSilences, descHeld, descSilenced, descHeldLost,
		descSeries, descUnresolved, descRefused, descBadTTL, descSkewed, descSubs, descPending, descHubBytes, descLagged,
		descHubRefused, descRuleFailed, descRuleShed, descHistory, descHistoryOut, descConns, descLost, descCert} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	s := f.server
	c := s.engine.counts()
	x, hub := s.index.Stats(), s.hub.Stats()
	for _, m := range []struct {
		desc *prometheus.Desc
		kind prometheus.ValueType
		v    float64
	}{
		{descEvents, prometheus.CounterValue, float64(c.events)},
		{descBatches, prometheus.CounterValue, float64(c.batches)},
		{descExpired, prometheus.CounterValue, float64(c.expired)},
		{descPanics, prometheus.CounterValue, float64(c.panics)},
		{descReinject, prometheus.CounterValue, float64(c.reinjectDropped)},
		{descSilences, prometheus.GaugeValue, float64(c.silences)},
		{descHeld, prometheus.GaugeValue, float64(c.waiting)},
		{descSilenced, prometheus.CounterValue, float64(c.silenced)},
		{descHeldLost, prometheus.CounterValue, float64(c.heldLost)},
		{descSeries, prometheus.GaugeValue, float64(x.Entries)},
		{descUnresolved, prometheus.CounterValue, float64(x.Unresolved)},
		{descRefused, prometheus.CounterValue, float64(x.Refused)},
		{descBadTTL, prometheus.CounterValue, float64(x.BadTTL)},
		{descSkewed, prometheus.CounterValue, float64(x.Skewed)},
		{descSubs, prometheus.GaugeValue, float64(hub.Subscriptions)},
		{descPending, prometheus.GaugeValue, float64(hub.Pending)},
		{descHubBytes, prometheus.GaugeValue, float64(hub.Bytes)},
		{descLagged, prometheus.CounterValue, float64(hub.Lagged)},
		{descHubRefused, prometheus.CounterValue, float64(hub.Refused)},
	} {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.v)
	}
	for _, n := range s.engine.troubles() {
		if n.Failures > 0 {
			ch <- prometheus.MustNewConstMetric(descRuleFailed, prometheus.CounterValue, float64(n.Failures), n.Operator, n.Pos)
		}
		if n.Shed > 0 {
			ch <- prometheus.MustNewConstMetric(descRuleShed, prometheus.CounterValue, float64(n.Shed), n.Operator, n.Pos)
		}
	}
	quantiles := map[float64]float64{}
	for _, q := range [...]float64{0.5, 0.95, 0.99, 0.999} {
		quantiles[q] = c.latency.quantile(q).Seconds()
	}
	ch <- prometheus.MustNewConstSummary(descLatency, c.latency.count, c.latency.sum.Seconds(), quantiles)
	kept, refused := s.history.sizes()
	ch <- prometheus.MustNewConstMetric(descHistory, prometheus.GaugeValue, float64(kept))
	ch <- prometheus.MustNewConstMetric(descHistoryOut, prometheus.GaugeValue, float64(refused))
	conns, lost := map[string]int{}, map[string]uint64{}
	for _, l := range s.open() {
		conns[l.Kind()] += l.Connections()
		if u, ok := l.(interface{ kernelLost() uint64 }); ok {
			lost[l.Kind()] += u.kernelLost()
		}
	}
	for kind, n := range lost {
		ch <- prometheus.MustNewConstMetric(descLost, prometheus.CounterValue, float64(n), kind)
	}
	for kind, n := range conns {
		ch <- prometheus.MustNewConstMetric(descConns, prometheus.GaugeValue, float64(n), kind)
	}
	for kind, until := range s.certificates() {
		ch <- prometheus.MustNewConstMetric(descCert, prometheus.GaugeValue, float64(until.Unix()), kind)
	}
}
