// Package source holds what zeta observes itself, without a sender: this machine's health.
//
//	h := source.NewHost(source.HostOptions{})
//	go h.Run(ctx, func(events []event.Event) { engine.Ingest(events) })
//
// Guarantees:
//   - A source is one goroutine; it never overlaps itself, and its reads are bounded in time and number.
//   - What cannot be read on a machine is left out and told once; it never stops the rest.
package source
