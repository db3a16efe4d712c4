package server

import "github.com/prometheus/client_golang/prometheus"

// memoryFigures reads what is known about memory when /metrics is asked for.
type memoryFigures struct{ server *Server }

var (
	descMemory        = desc("zeta_memory_bytes", "About how many bytes the parts hold that grow with what comes in; heap is what Go has in use, measured while there is a limit.", "place")
	descMemoryLimit   = desc("zeta_memory_limit_bytes", "Bytes that Go may manage, about nine tenths of the limit; 0: there is none.")
	descMemoryPercent = desc("zeta_memory_used_percent", "What is used of the limit, by the greater of what the parts hold and what was measured.")
	descMemoryLevel   = desc("zeta_memory_level", "How scarce memory is: 0 calm, 1 sparing, 2 pacing, 3 shedding, 4 closing.")
)

// Describe implements prometheus.Collector.
func (f *memoryFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descMemory, descMemoryLimit, descMemoryPercent, descMemoryLevel} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *memoryFigures) Collect(ch chan<- prometheus.Metric) {
	for _, p := range f.server.held() {
		gauge(ch, descMemory, float64(p.Bytes), p.Name)
	}
	st := f.server.pressure.Status()
	gauge(ch, descMemory, float64(st.Heap), "heap")
	gauge(ch, descMemoryLimit, float64(f.server.pressure.Limit()))
	gauge(ch, descMemoryPercent, st.Percent)
	gauge(ch, descMemoryLevel, float64(st.Level))
}

// newShedCounter counts the events that were not evaluated.
func newShedCounter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "zeta_server_shed_total",
		Help: "Events that were not evaluated because memory was scarce. Class C repeats or is new, and all is well; class B is not well or a change.",
	}, []string{"listener", "class", "reason"})
}
