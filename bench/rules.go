package main

import (
	"fmt"
	"strings"
)

// The rules that are measured. Streams end in a counter, so that something happens to what passes.
const (
	indexOnly = "default(ttl, 60, index);\n"

	fivePredicates = indexOnly + `
where(service startsWith "df-" and metric > 0.9, counter(0));
where(state in ["critical", "warning"], counter(0));
where("prod" in tags and metric > 1e9, counter(0));
where(host matches "^db-[0-9]+", counter(0));
where(service == "nothing" and state == "ok", counter(0));
`
	fiveStreams = indexOnly + `
where(service matches "latency.*p[0-4]" and metric > 50, counter(0));
by([host, service], rate(5, counter(0)));
by([host, service], changedState({init: "ok"}, counter(0)));
by(service, percentiles(5, [0.5, 0.95, 0.99], counter(0)));
where(state == "warning" and "prod" in tags and metric > 10, by(service, throttle(10, 5, counter(0))));
`
	stateChanges = indexOnly + "by([host, service], changed(state, {init: \"ok\"}, counter(0)));\n"
)

// ruleSets are the rules of the table, by name.
var ruleSets = map[string]string{"index": indexOnly, "predicates": fivePredicates, "streams": fiveStreams}

// manyRules are n rules of which some can fire for an event of a sample: those that ask for one of its services
// with a metric that is never reached. The others ask for services that do not come.
func manyRules(n, able int) string {
	var b strings.Builder
	b.WriteString(indexOnly)
	for i := range n {
		if i < able {
			fmt.Fprintf(&b, "where(service startsWith \"http\" and metric > %d, counter(0));\n", 1000+i)
		} else {
			fmt.Fprintf(&b, "where(service == \"other %d\" and metric > 0, counter(0));\n", i)
		}
	}
	return b.String()
}
