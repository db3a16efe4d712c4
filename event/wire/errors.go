package wire

import (
	"fmt"
	"strings"
)

// DecodeError says which part of a message cannot be read, and why. The sender is at fault.
type DecodeError struct {
	Event  int    // the event, counted from 1; 0: the message itself
	Field  int    // the number of the field; 0: no field
	Offset int    // where the field starts, in bytes from the start of the message
	Reason string // what was found and what was expected
	Limit  bool   // the message is well-formed, but beyond a limit
}

func (e *DecodeError) Error() string {
	var s strings.Builder
	s.WriteString("wire: ")
	names := messageFields
	if e.Event > 0 {
		fmt.Fprintf(&s, "event %d: ", e.Event)
		names = eventFields
	}
	if e.Field > 0 {
		fmt.Fprintf(&s, "field %d ", e.Field)
		if e.Field < len(names) && names[e.Field] != "" {
			fmt.Fprintf(&s, "(%s) ", names[e.Field])
		}
	}
	fmt.Fprintf(&s, "at byte %d: %s", e.Offset, e.Reason)
	return s.String()
}

var messageFields = []string{2: "ok", 3: "error", 4: "states", 5: "query", 6: "events"}

var eventFields = []string{
	1: "time", 2: "state", 3: "service", 4: "host", 5: "description", 7: "tags", 8: "ttl",
	9: "attributes", 10: "time_micros", 13: "metric_sint64", 14: "metric_d", 15: "metric_f",
}

// overLimit is the reason of a part that is too long.
func overLimit(found int, what string, limit int) string {
	return fmt.Sprintf("%d %s, limit %d", found, what, limit)
}
