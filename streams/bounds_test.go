package streams

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"zeta/event"
)

// floods hold, for every operator with state, rules in which it meets a flood of keys: with a small bound where it
// has one. What it emits is published as "out".
var floods = map[string]flood{
	"absentAfter":           {rule: `absentAfter(state == "a", state == "b", "10s", {max: 64}, publish("out"))`, overload: true, known: never},
	"apdex":                 {rule: `apdex("1m", metric < 10, metric < 50, publish("out"))`},
	"batch":                 {rule: `batch(100, "1m", smap(count, publish("out")))`},
	"by":                    {rule: `by([host, service], {max: 64}, counter(publish("out")))`, overload: true, known: everyTime},
	"byBuilder":             {rule: `byBuilder(h, host, {max: 64}, counter(publish("out")))`, overload: true, known: everyTime},
	"changed":               {rule: `changed(state, publish("out"))`},
	"changedState":          {rule: `changedState({init: "ok", max: 64}, publish("out"))`, overload: true, known: everyTime},
	"clockSkew":             {rule: `clockSkew({max: 64}, publish("out"))`, overload: true, known: everyTime},
	"coalesce":              {rule: `coalesce("1m", {max: 64}, smap(count, publish("out")))`, overload: true},
	"counter":               {rule: `counter(publish("out"))`, known: everyTime},
	"ddt":                   {rule: `ddt("1m", publish("out"))`},
	"deadman":               {rule: `deadman(["known", "gone"], "1m", publish("out"))`, known: never},
	"dedup":                 {rule: `dedup(host, "100h", {max: 64}, publish("out"))`, overload: true, known: atTimes},
	"ewma":                  {rule: `ewma(60, publish("out"))`, known: everyTime},
	"ewmaTimeless":          {rule: `ewmaTimeless(0.5, publish("out"))`, known: everyTime},
	"fillIn":                {rule: `fillIn("1ms", {state: "filled"}, {max: 10}, publish("out"))`, overload: true, known: everyTime},
	"fillInLast":            {rule: `fillInLast("1ms", {state: "filled"}, {max: 10}, publish("out"))`, overload: true, known: andMore},
	"fillInLastStar":        {rule: `fillInLastStar("1ms", {state: "filled"}, {max: 10}, publish("out"))`, overload: true, known: andMore},
	"fixedEventWindow":      {rule: `fixedEventWindow(100, smap(count, publish("out")))`},
	"fixedOffsetTimeWindow": {rule: `fixedOffsetTimeWindow("1h", {max: 64}, smap(count, publish("out")))`, overload: true},
	"fixedTimeWindow":       {rule: `fixedTimeWindow("1h", {max: 64}, smap(count, publish("out")))`, overload: true},
	"flapping":              {rule: `flapping("1h", 3, 1, {max: 64}, publish("out"))`, overload: true, known: onceOnly},
	"foldInterval":          {rule: `foldInterval("1h", metric, sum, {max: 64}, publish("out"))`, overload: true},
	"foldIntervalMetric":    {rule: `foldIntervalMetric("1h", sum, {max: 64}, publish("out"))`, overload: true},
	"histogram":             {rule: `histogram("1m", [10, 50], publish("out"))`},
	"interpolateConstant":   {rule: `interpolateConstant("1m", publish("out"))`},
	"movingEventWindow":     {rule: `movingEventWindow(100, smap(count, publish("out")))`},
	"movingTimeWindow":      {rule: `movingTimeWindow("1h", {max: 64}, smap(count, publish("out")))`, overload: true},
	"percentiles":           {rule: `percentiles("1h", [0.5, 1], {max: 64}, publish("out"))`, overload: true},
	"predictLinear":         {rule: `predictLinear(100, "1m", publish("out"))`, known: nearly},
	"project":               {rule: `project([state == "a", state == "b"], smap(count, publish("out")))`},
	"quantiles":             {rule: `quantiles("1m", [0.5, 1], publish("out"))`},
	"rate":                  {rule: `rate("1m", publish("out"))`},
	"rollup":                {rule: `rollup(1, "1h", {max: 64}, smap(count, publish("out")))`, overload: true},
	"runs":                  {rule: `runs(2, state, publish("out"))`},
	"sequence":              {rule: `sequence(state == "a", state == "b", "1h", {max: 64}, smap(count, publish("out")))`, overload: true},
	"slidingThrottle":       {rule: `slidingThrottle(100, "1m", publish("out"))`},
	"sreduce":               {rule: `sreduce(sum, publish("out"))`},
	"stable":                {rule: `stable("100h", true, {max: 64}, publish("out"))`, overload: true},
	"sumOverTime":           {rule: `sumOverTime(publish("out"))`, known: everyTime},
	"throttle":              {rule: `throttle(100, "1m", publish("out"))`},
	"top":                   {rule: `top(10, metric, publish("out"))`},
	"window":                {rule: `window(100, smap(count, publish("out")))`},
}

// flood is one operator's rule.
type flood struct {
	rule     string
	overload bool                             // its bound is reached
	known    func(events, published int) bool // whether so many of the known source's events are right; nil: not asked
}

func everyTime(events, published int) bool { return published == events }
func nearly(events, published int) bool    { return published >= events-1 } // two make the first estimate
func andMore(events, published int) bool   { return published > events }    // fills repeat the last event
func atTimes(events, published int) bool   { return published > 0 && published < events/2 }
func onceOnly(_, published int) bool       { return published == 1 }
func never(_, published int) bool          { return published == 0 }

// maxFloodState bounds the saved state of an operator of floods, in bytes: its small bound times a generous size of
// an event, and no more however long the flood lasts.
const maxFloodState = 64 << 10

// maxFloodSeries bounds the numbers that a quarter of the events have for their series; they are used again and again.
const maxFloodSeries = 10_000

// TestFlood pushes random keys at every operator with state: state and memory stay flat, a source that goes on
// sending is not forgotten, and a bound that is reached is counted and told of, once a minute at most, with the rule's
// place. With -long ten million keys come to each, and -v prints what each took.
func TestFlood(t *testing.T) {
	n := 20_000
	if *long {
		n = 10_000_000
	}
	known := map[string]bool{}
	for _, d := range Operators() {
		f, ok := floods[d.Name]
		known[d.Name] = true
		if !ok {
			if statefulByName(t, d) {
				t.Errorf("%s has state and no flood", d.Name)
			}
			continue
		}
		t.Run(d.Name, func(t *testing.T) { f.run(t, d.Name, n) })
	}
	for name := range floods {
		if !known[name] {
			t.Errorf("%s has a flood and is no operator", name)
		}
	}
}

// statefulByName reports whether the operator of an example has state.
func statefulByName(t *testing.T, d Doc) bool {
	rules, ps := LoadText(d.Name, d.Examples[0].Rule, LoadOptions{Taps: true, Getenv: noEnv})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	for _, n := range rules.places {
		if n.name == d.Name && n.stateful {
			return true
		}
	}
	return false
}

func (f flood) run(t *testing.T, name string, n int) {
	rules, ps := LoadText("x.expr", `where(service != "zeta.overload", `+f.rule+`, else(publish("overload")))`, LoadOptions{Getenv: noEnv})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	known, told, toldAt := 0, 0, int64(0)
	clock := NewClock(0)
	rt := &Runtime{Clock: clock, Publish: func(topic string, e *event.Event) {
		switch {
		case topic == "overload":
			if at, _ := e.Set.Attr("rule"); !strings.HasPrefix(at, "x.expr:1:35") || told > 0 && clock.Now()-toldAt < throttled {
				t.Errorf("overload of %q after %d µs", at, clock.Now()-toldAt)
			}
			told, toldAt = told+1, clock.Now()
		case e.Host == "known":
			known++
		}
	}}
	graph, err := rules.Build(rt)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	events, early, state := 0, uint64(0), 0
	e := &event.Event{} // lent, as a connection's are
	push := func(host string, state string, series uint32) {
		e.SetHost(host)
		e.SetService("s")
		e.SetState(state)
		e.SetFloat(float64(r.IntN(1000)) / 10)
		e.SetTime(clock.Now())
		e.SetTTL(1e6)
		e.Series = nil
		if series > 0 { // as of a connection whose series the index knows
			e.Series = &event.Series{Host: host, Service: "s", Has: identity, ID: series, HostID: series}
		}
		graph.Push(EventValue(e))
	}
	states := [...]string{"a", "b"}
	var host []byte
	start := time.Now()
	for i := range n {
		graph.Advance(int64(i) * 20_000) // fifty events a second
		host = strconv.AppendUint(host[:0], r.Uint64(), 16)
		series := r.Uint32N(4 * maxFloodSeries)
		if series >= maxFloodSeries {
			series = 0
		}
		push(string(host), states[r.IntN(2)], series)
		if i%20 == 0 {
			push("known", states[events%2], maxFloodSeries)
			events++
		}
		if i == n/10 {
			early = heapBytes()
		}
		if i%(n/8) == n/8-1 {
			var s Saver
			graph.Save(&s)
			if state = len(s.Bytes()); state > maxFloodState {
				t.Fatalf("after %d keys the state has %d bytes", i, state)
			}
		}
	}
	took := time.Since(start)
	late := heapBytes()
	if late > early+2<<20 {
		t.Errorf("the heap has grown from %d to %d bytes", early, late)
	}
	if f.known != nil && !f.known(events, known) {
		t.Errorf("the known source sent %d events and %d came of them", events, known)
	}
	shed := uint64(0)
	for _, s := range graph.Stats() {
		if s.Operator == name {
			shed += s.Shed
		}
	}
	if (told > 0) != f.overload || (shed > 0) != f.overload {
		t.Errorf("an overload is told of %d times, %d are shed; want any: %v", told, shed, f.overload)
	}
	t.Logf("%9d keys  %5d ns each  heap %6.2f MB after a tenth, %6.2f MB at the end  state %6d bytes  %8d shed, told %5d times",
		n, took.Nanoseconds()/int64(n), float64(early)/1e6, float64(late)/1e6, state, shed, told)
	runtime.KeepAlive(graph)
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestKeyedOptions holds every operator with a table to having a bound and an idle time that can be set. Those whose
// keys go for another reason say which.
func TestKeyedOptions(t *testing.T) {
	otherwise := map[string]string{
		"absentAfter": "within", "sequence": "within", "dedup": "within", // an argument: nothing older counts
		"coalesce": "ttl", // of each event
	}
	for _, name := range []string{"absentAfter", "by", "byBuilder", "changedState", "clockSkew", "coalesce", "dedup", "flapping", "sequence"} {
		var options []string
		for _, a := range registry[name].Args {
			if a.Option {
				options = append(options, a.Name)
			}
		}
		text := strings.Join(options, " ") + " "
		if !strings.Contains(text, "max ") || !strings.Contains(text, "idle ") && otherwise[name] == "" {
			t.Errorf("%s has the options %q", name, options)
		}
	}
}
