package server

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/journal"
)

// RecordPrinter reads the records of a server's journal, and writes them as JSON for people and their tools.
type RecordPrinter struct {
	decoder *wire.Decoder
	msg     wire.Msg
}

// NewRecordPrinter returns a printer.
func NewRecordPrinter() *RecordPrinter {
	return &RecordPrinter{decoder: wire.NewDecoder(replayLimits)}
}

// Append appends a record as one JSON object: seq, stamp, kind, and what is in it: first and events of a batch,
// down (seconds) of a start, rules, the change of silences, the size of anything else. What cannot be read is told in error.
func (p *RecordPrinter) Append(dst []byte, r journal.Record) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendUint(dst, r.Seq, 10)
	dst = append(dst, `,"stamp":"`...)
	dst = time.UnixMicro(r.Stamp).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	dst = append(dst, `","kind":"`...)
	dst = append(dst, r.Kind.String()...)
	dst = append(dst, '"')
	switch r.Kind {
	case journal.KindBatch:
		dst = p.batch(dst, r.Body)
	case journal.KindRules:
		if json.Valid(r.Body) {
			dst = append(append(dst, `,"rules":`...), r.Body...)
		}
	case journal.KindStart:
		_, n := binary.Uvarint(r.Body)
		if down, m := binary.Varint(r.Body[max(n, 0):]); n > 0 && m > 0 {
			dst = append(dst, `,"down":`...)
			dst = strconv.AppendFloat(dst, float64(down)/1e6, 'f', -1, 64)
		}
	case journal.KindSilence:
		if json.Valid(r.Body) {
			dst = append(append(dst, `,"silence":`...), r.Body...)
		}
	default:
		dst = append(dst, `,"bytes":`...)
		dst = appendInt(dst, int64(len(r.Body)))
	}
	return append(dst, '}')
}

// Events returns the events of a batch, and none of any other record. They are valid until the next call.
func (p *RecordPrinter) Events(r journal.Record) ([]event.Event, error) {
	if r.Kind != journal.KindBatch {
		return nil, nil
	}
	_, events, err := decodeBatch(r.Body, p.decoder, &p.msg)
	return events, err
}

func (p *RecordPrinter) batch(dst, body []byte) []byte {
	first, events, err := decodeBatch(body, p.decoder, &p.msg)
	if err != nil {
		text, _ := json.Marshal(err.Error())
		return append(append(dst, `,"error":`...), text...)
	}
	dst = append(dst, `,"first":`...)
	dst = strconv.AppendUint(dst, first, 10)
	dst = append(dst, `,"events":[`...)
	for i := range events {
		dst = comma(dst, i > 0)
		dst = event.AppendJSON(dst, &events[i])
	}
	return append(dst, ']')
}
