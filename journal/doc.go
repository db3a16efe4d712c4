// Package journal keeps what zeta must not lose: the received batches, the alerts for sinks, and the state that
// a restart begins with.
//
// Vocabulary: a [Log] is a sequence of records in segments, files of fixed size; a record's sequence is its
// number. The written watermark is the highest sequence that survives the death of the process, the synced
// watermark the highest that survives the loss of power. The [Outbox] holds alerts until their sink took them;
// its ledger remembers the ids of alerts already taken in, so that a replay sends nothing twice; a ticket
// is the number of a change to the outbox, to wait for. A [Checkpoints] file is the state after the record it
// names. A [BulkLog] is a queue of records that may be lost.
//
// The engine, under its lock:
//
//	seq, err := log.Append(journal.KindBatch, stamp, head, message) // memory only
//	…run the rules; each alert: ticket, err = outbox.Put(entry)
//
// The connection, after the lock and before it writes its answers, once for all messages of a read:
//
//	err = log.WaitWritten(ctx, seq) // safe; WaitSynced for durable
//	err = outbox.Wait(ctx, ticket)
//
// The start: LockDir, Open, OpenOutbox, OpenCheckpoints; Latest gives the state and its sequence; log.SkipTo of
// that sequence plus one; log.Read from there gives the tail. Numbers that alerts' ids are made of must not be
// given twice, even when the end of the log was lost: begin them, at each start, with log.Generation() in their
// high bits and chance below, as a life that left no record leaves its generation to the next; write them into the
// records' bodies, and take them from there in a replay.
//
// Guarantees:
//   - Append, Put and everything else the engine calls copies into memory and returns. One committer goroutine per
//     log and per outbox writes; a commit takes whatever has gathered meanwhile, and nobody waits for company.
//   - Sequences rise by one. A reader gets records in order, each once, and is told of every range that is missing.
//   - What cannot be read is moved or copied to a directory named quarantine, never deleted.
//   - After a failed sync nothing is believed of that file: what was not durable is written again elsewhere before a watermark moves.
//   - While the disk is full or fails, everything goes on in bounded memory; Stats says so and why; nothing has to be restarted when it is well again.
//   - A file of a newer format is refused with both versions named, and stays as it is.
//
// Lock order: the engine's, then the outbox's, then the log's. No callback is called with a lock held.
package journal
