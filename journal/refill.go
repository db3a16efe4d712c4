package journal

import (
	"encoding/binary"
	"fmt"
)

// refillIDs bounds the settled alerts that Refill remembers.
const refillIDs = 4_000_000

// Refill puts into an outbox that began empty the alerts that the log still knows and does not know to be
// settled, and returns how many. An alert that was delivered just before may be sent again.
func Refill(l *Log, o *Outbox) (n int, err error) {
	settled := map[string]struct{}{}
	_, err = l.Read(0, func(r Record) error {
		if r.Kind != KindSettled {
			return nil
		}
		ids, sink := splitSettled(r.Body)
		for _, id := range ids {
			if len(settled) < refillIDs {
				settled[string(ledgerKey(sink, id))] = struct{}{}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("refill the outbox: %w", err)
	}
	_, err = l.Read(0, func(r Record) error {
		if r.Kind != KindAlert {
			return nil
		}
		e, err := decodeEntry(r.Body, 0)
		if err != nil {
			return nil // written by a newer zeta
		}
		if _, ok := settled[string(ledgerKey(e.Sink, e.ID))]; ok {
			o.remember(e)
			return nil
		}
		if _, err := o.put(*e, nil); err != nil {
			return err
		}
		n++
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("refill the outbox: %w", err)
	}
	return n, nil
}

// remember notes in the ledger an alert that was settled before the outbox was lost.
func (o *Outbox) remember(e *Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.maxStamp = max(o.maxStamp, e.Stamp)
	o.add(&change{op: opNote, sink: e.Sink, entry: e})
}

// encodeSettled is the body of a record of KindSettled: the alerts of one sink that need not be sent any more.
func encodeSettled(ids []ID, sink string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(ids)))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return append(b, sink...)
}

func splitSettled(b []byte) (ids []ID, sink string) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used)/uint64(len(ID{})) {
		return nil, ""
	}
	b = b[used:]
	for range n {
		ids = append(ids, ID(b[:len(ID{})]))
		b = b[len(ID{}):]
	}
	return ids, string(b)
}
