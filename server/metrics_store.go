package server

import (
	"github.com/prometheus/client_golang/prometheus"
)

// storeFigures reads the figures of the journal, the outbox and the sinks when /metrics is asked for.
type storeFigures struct{ server *Server }

var (
	descJournalRecords  = desc("zeta_journal_records_total", "Records taken by the journal.")
	descJournalAppended = desc("zeta_journal_appended_bytes_total", "Bytes of the records taken.")
	descJournalLost     = desc("zeta_journal_lost_total", "Records not taken: the disk did not keep up and the buffer was full, or they were too large.")
	descJournalErrors   = desc("zeta_journal_errors_total", "Failed operations on the journal's files.", "operation")
	descJournalSyncs    = desc("zeta_journal_syncs_total", "Syncs of the journal to the disk.")
	descJournalSync     = desc("zeta_journal_sync_seconds", "Duration of the newest sync.")
	descJournalSlowest  = desc("zeta_journal_slowest_sync_seconds", "Duration of the slowest sync since the start.")
	descJournalSet      = desc("zeta_journal_quarantined_bytes_total", "Damaged bytes that were set aside.")
	descJournalBuffered = desc("zeta_journal_buffered_bytes", "Bytes that are not durable yet.")
	descJournalSize     = desc("zeta_journal_size_bytes", "Size of the journal, with what is reserved.")
	descJournalNeeded   = desc("zeta_journal_needed_bytes", "What a restart would have to replay.")
	descJournalOut      = desc("zeta_journal_removed_needed_total", "Segments removed for their size before a checkpoint stood for them.")
	descDegraded        = desc("zeta_journal_degraded", "1 while the disk does not take what has to be kept.", "part")

	descOutboxPut       = desc("zeta_outbox_alerts_total", "Alerts by what became of them: taken, delivered, dead, duplicate, refused, dead_dropped.", "result")
	descOutboxQueued    = desc("zeta_outbox_queued", "Alerts that wait for their sinks.")
	descOutboxBytes     = desc("zeta_outbox_queued_bytes", "Bytes of the alerts that wait.")
	descOutboxWaiting   = desc("zeta_outbox_uncommitted", "Changes that are not on disk yet.")
	descOutboxCommits   = desc("zeta_outbox_commits_total", "Transactions.", "result")
	descOutboxLedger    = desc("zeta_outbox_ledger", "Ids of alerts that are remembered, so that nothing is sent twice.")
	descOutboxForgotten = desc("zeta_outbox_forgotten_total", "Ids forgotten early because there were too many.")
	descOutboxDamaged   = desc("zeta_outbox_damaged_total", "Values found damaged.")
	descOutboxFile      = desc("zeta_outbox_file_bytes", "Size of the outbox's file.")

	descSinkQueued   = desc("zeta_sinks_queued", "Alerts that wait for the sink.", "sink")
	descSinkAlerts   = desc("zeta_sinks_alerts_total", "Alerts by what became of them: delivered, dead, dropped, refused.", "sink", "result")
	descSinkRequests = desc("zeta_sinks_requests_total", "Requests to the sink's target.", "sink", "result")
	descSinkFailing  = desc("zeta_sinks_failing_since_timestamp_seconds", "Since when every request to the sink's target fails; 0: the newest did not.", "sink")
)

// Describe implements prometheus.Collector. The collector is an unchecked one: what there is depends on the options.
func (f *storeFigures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f *storeFigures) Collect(ch chan<- prometheus.Metric) {
	if st := f.server.opts.Store; st != nil {
		st.collect(ch)
	}
	box, ok := f.server.opts.Sinks.(letterbox)
	if !ok {
		return
	}
	for _, s := range box.Status() {
		gauge(ch, descSinkQueued, float64(s.Queued), s.ID)
		counter(ch, descSinkAlerts, s.Delivered, s.ID, "delivered")
		counter(ch, descSinkAlerts, s.DeadLetters, s.ID, "dead")
		counter(ch, descSinkAlerts, s.Dropped, s.ID, "dropped")
		counter(ch, descSinkAlerts, s.Refused, s.ID, "refused")
		counter(ch, descSinkRequests, s.Attempts-s.Failed, s.ID, "ok")
		counter(ch, descSinkRequests, s.Failed, s.ID, "failed")
		since := 0.0
		if s.LastError != "" {
			since = float64(s.Since.Unix())
		}
		gauge(ch, descSinkFailing, since, s.ID)
	}
}

func (s *Store) collect(ch chan<- prometheus.Metric) {
	l := s.log.Stats()
	counter(ch, descJournalRecords, l.Records)
	counter(ch, descJournalAppended, l.AppendedBytes)
	counter(ch, descJournalLost, l.Lost)
	counter(ch, descJournalErrors, l.WriteErrors, "write")
	counter(ch, descJournalErrors, l.SyncErrors, "sync")
	counter(ch, descJournalSyncs, l.Syncs)
	gauge(ch, descJournalSync, l.LastSync.Seconds())
	gauge(ch, descJournalSlowest, l.SlowestSync.Seconds())
	counter(ch, descJournalSet, uint64(l.Quarantined))
	gauge(ch, descJournalBuffered, float64(l.Buffered))
	gauge(ch, descJournalSize, float64(l.Bytes))
	gauge(ch, descJournalNeeded, float64(l.Needed))
	counter(ch, descJournalOut, l.RemovedNeeded)
	o := s.Outbox.Stats()
	gauge(ch, descDegraded, truth(l.Degraded != ""), "journal")
	gauge(ch, descDegraded, truth(o.Degraded != ""), "outbox")
	counter(ch, descOutboxPut, o.Put, "taken")
	counter(ch, descOutboxPut, o.Done, "delivered")
	counter(ch, descOutboxPut, o.Dead, "dead")
	counter(ch, descOutboxPut, o.Duplicates, "duplicate")
	counter(ch, descOutboxPut, o.Full, "refused")
	counter(ch, descOutboxPut, o.DeadDropped, "dead_dropped")
	gauge(ch, descOutboxQueued, float64(o.Queued))
	gauge(ch, descOutboxBytes, float64(o.Bytes))
	gauge(ch, descOutboxWaiting, float64(o.Waiting))
	counter(ch, descOutboxCommits, o.Commits, "ok")
	counter(ch, descOutboxCommits, o.CommitErrors, "failed")
	gauge(ch, descOutboxLedger, float64(o.Ledger))
	counter(ch, descOutboxForgotten, o.Forgotten)
	counter(ch, descOutboxDamaged, o.Damaged)
	gauge(ch, descOutboxFile, float64(o.File))
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// truth is 1 for yes.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
