package server

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"zeta/event"

	"google.golang.org/protobuf/encoding/protowire"
)

// remoteWrite reads the messages of Prometheus' remote write, 1.0 and 2.0, without their schema's code: labels,
// samples and the counts and sums of native histograms; the rest is skipped. A message is read twice, first to see
// that it can be read whole and how many events it has, so that no more than some of them are in memory at once.
type remoteWrite struct {
	apart  []string
	ttl    float64
	most   int // events of one message
	peer   string
	ingest func([]event.Event) error // takes the events, some at a time; nil: they all stay in events

	counting bool     // the first time
	symbols  []uint32 // where the texts of a 2.0 message begin, with their lengths
	message  []byte
	events   []event.Event
	labels   int // held by events

	count, samples, histograms int
}

// labelsPerRun bounds the labels of events that wait to enter the rules.
const labelsPerRun = 10 * eventsPerRun

// staleMarker is the NaN by which Prometheus says that a series has ended.
const staleMarker = 0x7ff0000000000002

// maxSymbols bounds the texts of a 2.0 message.
const maxSymbols = 1_000_000

var (
	errRemoteWrite = errors.New("the message cannot be read")
	errTooMany     = errors.New("too many events")
)

// fields calls fn for each field of a message: v of a varint or a fixed number, b of bytes.
func fields(b []byte, fn func(n protowire.Number, v uint64, b []byte) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errRemoteWrite
		}
		b = b[size:]
		var v uint64
		var inner []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var w uint32
			w, size = protowire.ConsumeFixed32(b)
			v = uint64(w)
		case protowire.BytesType:
			inner, size = protowire.ConsumeBytes(b)
			if inner == nil {
				inner = []byte{}
			}
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return errRemoteWrite
		}
		if err := fn(n, v, inner); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// read reads a message of version 1 or 2.
func (w *remoteWrite) read(b []byte, version int) error {
	w.message = b
	timeseries := protowire.Number(1)
	if version == 2 {
		timeseries = 5
		if err := w.readSymbols(); err != nil {
			return err
		}
	}
	for _, w.counting = range []bool{true, false} {
		w.count, w.samples, w.histograms = 0, 0, 0
		if err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
			if n != timeseries || b == nil {
				return nil
			}
			return w.series(b, version)
		}); err != nil {
			return err
		}
	}
	return w.flush()
}

// readSymbols notes where the texts are, of which there may be one for each two bytes of the message.
func (w *remoteWrite) readSymbols() error {
	each := func(f func(begin int)) error {
		for at := 0; at < len(w.message); {
			n, kind, tag := protowire.ConsumeTag(w.message[at:])
			if tag < 0 {
				return errRemoteWrite
			}
			size := protowire.ConsumeFieldValue(n, kind, w.message[at+tag:])
			if size < 0 {
				return errRemoteWrite
			}
			if n == 4 && kind == protowire.BytesType {
				f(at + tag)
			}
			at += tag + size
		}
		return nil
	}
	n := 0
	if err := each(func(int) { n++ }); err != nil {
		return err
	}
	if n > maxSymbols {
		return fmt.Errorf("more than %d symbols", maxSymbols)
	}
	w.symbols = make([]uint32, 0, n)
	return each(func(begin int) { w.symbols = append(w.symbols, uint32(begin)) })
}

// symbol returns a text of a 2.0 message.
func (w *remoteWrite) symbol(i uint64) ([]byte, error) {
	if i >= uint64(len(w.symbols)) {
		return nil, fmt.Errorf("symbol %d of %d", i, len(w.symbols))
	}
	b, n := protowire.ConsumeBytes(w.message[w.symbols[i]:])
	if n < 0 {
		return nil, errRemoteWrite
	}
	return b, nil
}

// series reads one series: its labels, then its samples.
func (w *remoteWrite) series(b []byte, version int) error {
	var name []byte
	var labels []event.Attr
	n := 0
	add := func(key, value []byte) error {
		if n++; n > maxSeriesLabels {
			return fmt.Errorf("a series of more than %d labels", maxSeriesLabels)
		}
		if string(key) == "__name__" {
			name = value
		} else if !w.counting && len(key) > 0 && len(value) > 0 {
			labels = append(labels, event.Attr{Key: utf8Text(key), Value: utf8Text(value)})
		}
		return nil
	}
	err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != 1 || b == nil {
			return nil
		}
		if version == 2 {
			return w.references(b, add)
		}
		var key, value []byte
		if err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
			switch n {
			case 1:
				key = b
			case 2:
				value = b
			}
			return nil
		}); err != nil {
			return err
		}
		return add(key, value)
	})
	if err != nil {
		return err
	}
	if len(name) == 0 {
		return errors.New("a series without __name__")
	}
	var base event.Event
	if !w.counting {
		base = w.base(utf8Text(name), labels)
		w.labels += len(labels)
	}
	histograms := protowire.Number(4)
	if version == 2 {
		histograms = 3
	}
	return fields(b, func(n protowire.Number, _ uint64, b []byte) error {
		switch {
		case b == nil:
			return nil
		case n == 2:
			return w.sample(&base, b)
		case n == histograms:
			return w.histogram(&base, b)
		}
		return nil
	})
}

func utf8Text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// base is an event of a series without a metric.
func (w *remoteWrite) base(name string, labels []event.Attr) event.Event {
	instance := ""
	for _, a := range labels {
		if a.Key == "instance" {
			instance = a.Value
		}
	}
	base := event.FromLabels(name, labels, w.apart)
	if !base.Is(event.HasHost) {
		if host := event.HostOfInstance(instance); host != "" {
			base.SetHost(host)
		} else if w.peer != "" {
			base.SetHost(w.peer)
		}
	}
	if w.ttl > 0 {
		base.SetTTL(w.ttl)
	}
	return base
}

// maxSeriesLabels bounds the labels of a series.
const maxSeriesLabels = 200

// references reads the labels of a 2.0 series: places of names and values in the symbols.
func (w *remoteWrite) references(b []byte, add func(key, value []byte) error) error {
	for len(b) > 0 {
		var pair [2][]byte
		for i := range pair {
			at, n := protowire.ConsumeVarint(b)
			if n < 0 {
				if i == 1 && len(b) == 0 {
					return errors.New("a label without a value")
				}
				return errRemoteWrite
			}
			var err error
			if pair[i], err = w.symbol(at); err != nil {
				return err
			}
			b = b[n:]
		}
		if err := add(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// put appends an event of a series.
func (w *remoteWrite) put(base *event.Event, suffix string, bits uint64, ms int64) error {
	if w.count++; w.count > w.most {
		return errTooMany
	}
	if w.counting {
		return nil
	}
	e := *base
	if suffix != "" {
		e.SetService(e.Service + suffix)
	}
	e.SetTime(event.SecondsToMicros(float64(ms) / 1000))
	if bits == staleMarker {
		e.SetState(event.Expired)
	} else {
		e.SetFloat(math.Float64frombits(bits))
	}
	w.events = append(w.events, e)
	if len(w.events) >= eventsPerRun || w.labels >= labelsPerRun {
		return w.flush()
	}
	return nil
}

// flush lets what has been read enter the rules.
func (w *remoteWrite) flush() error {
	if w.ingest == nil || len(w.events) == 0 {
		return nil
	}
	err := w.ingest(w.events)
	clear(w.events)
	w.events, w.labels = w.events[:0], 0
	return err
}

func (w *remoteWrite) sample(base *event.Event, b []byte) error {
	var value uint64
	var ms int64
	err := fields(b, func(n protowire.Number, v uint64, _ []byte) error {
		switch n {
		case 1:
			value = v
		case 2:
			ms = int64(v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.samples++
	return w.put(base, "", value, ms)
}

// histogram tells the count and the sum of a native histogram.
func (w *remoteWrite) histogram(base *event.Event, b []byte) error {
	var count, sum uint64
	var ms int64
	err := fields(b, func(n protowire.Number, v uint64, _ []byte) error {
		switch n {
		case 1:
			count = math.Float64bits(float64(v))
		case 2:
			count = v
		case 3:
			sum = v
		case 15:
			ms = int64(v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.histograms++
	if sum == staleMarker {
		count = staleMarker
	}
	if err := w.put(base, " count", count, ms); err != nil {
		return err
	}
	return w.put(base, " sum", sum, ms)
}
