package event

import "strings"

// Severity orders states by how bad they are.
type Severity uint8

// The severities, from all is well to the worst.
const (
	Fine    Severity = iota // "", ok, okay, up, info
	Odd                     // any state not named here
	Warning                 // warning, warn
	Bad                     // critical, crit, error, err, failure, down, expired
)

// SeverityOf returns the severity of a state, in whatever case it is written. Riemann gives states no meaning;
// these are the words that its clients, collectd and Nagios plugins use.
func SeverityOf(state string) Severity {
	switch strings.ToLower(state) {
	case "", "ok", "okay", "up", "info":
		return Fine
	case "warning", "warn":
		return Warning
	case "critical", "crit", "error", "err", "failure", "down", "expired":
		return Bad
	}
	return Odd
}
