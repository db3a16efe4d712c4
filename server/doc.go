// Package server is zeta as a library: the engine that runs the rules, the listeners that feed it, and the
// HTTP and websocket interface that shows what it knows.
//
// Vocabulary: a batch is the events of one message; the stamp is the time a batch entered the engine; a
// listener is a door for events; a remote is the peer of a connection.
//
//	s, err := server.New(server.Options{RulesFiles: []string{"zeta.expr"}})
//	if err != nil { … }                  // every problem of the rules, or a listener that may not be opened
//	err = s.Start(ctx)                   // listening
//	addr := s.Addr("tcp")
//	err = s.Shutdown(ctx)                // answers what was accepted, then closes
//
// Guarantees:
//   - The engine is the only writer. Batches run one after another, whole, in the order they took its lock;
//     timers due before a batch's stamp run before it.
//   - A message is answered after its events have run through the rules. The answers of one connection are in
//     the order of its messages.
//   - A query in a message sees the events before it, those of the same message included.
//   - A subscriber misses nothing between its snapshot and its updates, and gets nothing twice.
//   - Nothing a peer sends allocates more than a small multiple of what it sent; a peer that does not read is
//     closed; every refusal is counted by its reason in zeta_server_refusals_total.
//
// Lock order: Engine.mu, then the locks of package index. Code that holds Engine.mu waits for neither disk
// nor socket.
package server
