package streams

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// formerNames says what stands here for words of Riemann's configurations that are no operators of zeta, by
// their names in camelCase.
var formerNames = map[string]string{
	"append":             `tap("name") records for tests`,
	"asyncQueue":         "sinks have queues of their own; leave it out",
	"avg":                "the fold is mean",
	"average":            "the fold is mean",
	"executeOn":          "sinks have queues of their own; leave it out",
	"fn":                 "write an expression over the event, with smap or adjust",
	"fold":               "sreduce folds with an expression",
	"foldAll":            "sreduce folds with an expression",
	"info":               `tap("name") shows events to tests, zeta tail those that come in`,
	"kafkaConsumer":      "write listen.kafka(…)",
	"mailer":             "write email({…})",
	"meanOverTime":       "write ewmaTimeless(…)",
	"opentsdbServer":     "write listen.opentsdb(…)",
	"periodicallyExpire": "write expire({every: …})",
	"prn":                `tap("name") shows events to tests, zeta tail those that come in`,
	"register":           `tap("name") records for tests`,
	"graphiteServer":     "write listen.graphite(…)",
	"sseServer":          "write listen.http(…), which serves it too",
	"stream":             "write sdo(…)",
	"streams":            "leave it out: a stream at the top level of a file sees every event",
	"tcpServer":          "write listen.tcp(…)",
	"udpServer":          "write listen.udp(…)",
	"wsServer":           "write listen.http(…)",
}

// FormerName returns what the name of a stream or fold of Riemann is here, in camelCase, and for words that have
// no operator what to write instead, or "".
func FormerName(name string) (here, instead string) {
	star := strings.HasSuffix(name, "*")
	parts := strings.Split(strings.TrimRight(name, "*?!"), "-")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	here = strings.Join(parts, "")
	if _, isFold := foldByName(here + "Star"); star && (isFold || registry[here+"Star"] != nil) {
		here += "Star"
	}
	return here, formerNames[here]
}

// hyphenated returns the name in camelCase that was written with hyphens, as in Riemann, and so reads as a
// subtraction: changed - state(…).
func hyphenated(n ast.Node) string {
	var parts []string
	for {
		b, ok := n.(*ast.BinaryNode)
		if !ok {
			break
		}
		name := identName(b.Right)
		if called, _, ok := callOf(b.Right); ok {
			name = called
		}
		if b.Operator != "-" || name == "" {
			return ""
		}
		parts = append(parts, strings.ToUpper(name[:1])+name[1:])
		n = b.Left
	}
	first := identName(n)
	if first == "" || len(parts) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(first)
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	return b.String()
}
