// Package source holds what zeta observes itself, without a sender: this machine's health, probes of what
// others offer, programs that follow the convention of Nagios plugins, and pages in Prometheus' text format.
//
// Vocabulary: a source is looked at again and again; a look gives events; a probe is a source that tries a
// service from outside. Each registers with package streams as probe.KIND or source.KIND, and the server
// looks at those that the rules name.
//
//	source.NewHost(source.HostOptions{}, nil).Run(ctx, func(events []event.Event) { server.Ingest(events) })
//
// Guarantees:
//   - A source never overlaps itself, and its reads are bounded in time, bytes and events.
//   - Where it looks is written in the rules; nothing that an event, an answer or a redirect says can make it
//     look at an address of this machine or network that the rules do not name.
//   - A failure to look is an event with state critical or unknown, never silence.
//   - What cannot be read of this machine is left out and told once; it never stops the rest.
package source
