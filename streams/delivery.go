package streams

import "time"

// What a sink's newest request came to.
const (
	SinkOK      = "ok"      // the target took it, or there was none
	SinkFailing = "failing" // it failed, and the next one may not
	SinkGone    = "gone"    // no rule names the sink any more, and alerts for it are left
	SinkBroken  = "broken"  // it failed in a way that somebody has to mend: the key, the address, a certificate
)

// SinkStatus is what a running sink tells about itself, since the start of the program.
type SinkStatus struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Queued      int       `json:"queued"`          // alerts waiting, the ones in flight included
	Delivered   uint64    `json:"delivered"`       // alerts the target took
	Attempts    uint64    `json:"attempts"`        // requests made
	Failed      uint64    `json:"failed"`          // requests that failed
	Dropped     uint64    `json:"dropped"`         // alerts dropped because the queue was full: the oldest, when it is in memory
	Refused     uint64    `json:"refused"`         // alerts not taken because the queue was full, when it is on disk: their cause is not acknowledged
	DeadLetters uint64    `json:"dead"`            // alerts the target refused for good
	State       string    `json:"state"`           // SinkOK, SinkFailing or SinkBroken
	LastError   string    `json:"error,omitempty"` // of the newest failed request; "" after a success
	Since       time.Time `json:"since,omitzero"`  // when LastError first came up; zero when all is well
}

// DeadLetter is an alert that its target refused for good.
type DeadLetter struct {
	Pos   uint64 // names it to those who resend or drop it
	Alert *Alert
	Err   string
	At    time.Time // when it was caused, on the engine's clock
}
