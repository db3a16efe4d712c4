package sinks

import "zeta/streams"

// Kept is the option of sinks that may carry alerts as well as metrics and logs.
type Kept struct {
	Delivery string `opt:"delivery" enum:"alert,bulk" doc:"alert: an event is on disk before its message is answered, and stays there until the target has taken it; bulk, for metrics and logs: it waits in a log of 256 MiB on disk, of which the oldest is dropped when that is full, and nothing waits for it"`
}

func (k Kept) delivery() streams.Delivery {
	if k.Delivery == "bulk" {
		return streams.BulkDelivery
	}
	return streams.AlertDelivery
}
