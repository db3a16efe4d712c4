// Package index keeps the newest event of every (host, service), notices the ones that fall silent, and
// tells subscribers what passes by.
//
// Vocabulary: a series is the identity of one (host, service), see [event.Series]; its entry is the newest
// event. A series without an entry is vacant: seen lately, but not indexed, or expired. A block holds the
// series of one host. To expire an entry is to remove it because its ttl has passed; to forget a series is
// to give back its identity. A [Hub] carries published events to subscriptions.
//
//	x := index.New(index.Options{})
//	x.Advance(now)                   // the engine's clock, once per batch
//	e.Series = x.Resolve(e)          // identity: nil at the cap
//	x.Put(e)
//	x.Expire(now, func(last *event.Event) { … })
//	events, err := x.Search(q, index.Limits{})
//
// Guarantees:
//   - Put replaces, whatever the events' times. An event with the state "expired" removes the entry.
//   - Put and Resolve of known series do not allocate.
//   - Advance, Resolve, Put, Delete, Expire, Shift, Restore, Image and SubscribeWithSnapshot belong to the engine:
//     one caller at a time, in its order. Everything else may be called by anyone at any time.
//   - A search copies at most one page (256 entries) of a block at a time; that copy is all the engine can
//     ever wait for, and it lets the connections go first every 100 µs. It sees each entry as it was at some moment of the search; one that was removed and
//     came back meanwhile may be seen twice or not at all.
//   - Series, hosts, results and whatever waits for subscribers are bounded, and what a bound refused is counted.
//   - A subscription gets every event published after it was made, in order, or ends with ErrLagged.
//
// An [Image] is the entries of one moment: the engine copies a page before it changes it, if the image lacks it.
// A search that must miss nothing, see [Hub.SubscribeWithSnapshot], marks the series put since it began.
//
// Lock order: Index.mu, then block.mu. The hub's locks are never held together with those.
package index
