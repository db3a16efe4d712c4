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
// samples and the counts and sums of native histograms; the rest is skipped.
type remoteWrite struct {
	apart   []string
	ttl     float64
	most    int // events of one message
	symbols []string
	events  []event.Event
	peer    string

	samples, histograms int
}

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
	timeseries := protowire.Number(1)
	if version == 2 {
		timeseries = 5
		if err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
			if n == 4 && b != nil {
				if len(w.symbols) >= maxSymbols {
					return fmt.Errorf("more than %d symbols", maxSymbols)
				}
				w.symbols = append(w.symbols, strings.ToValidUTF8(string(b), "\uFFFD"))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return fields(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != timeseries || b == nil {
			return nil
		}
		return w.series(b, version)
	})
}

// series reads one series: its labels, then its samples.
func (w *remoteWrite) series(b []byte, version int) error {
	var name string
	var labels []event.Attr
	add := func(key, value string) {
		if key == "__name__" {
			name = value
		} else {
			labels = append(labels, event.Attr{Key: key, Value: value})
		}
	}
	err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != 1 || b == nil {
			return nil
		}
		if len(labels) >= maxSeriesLabels {
			return fmt.Errorf("a series of more than %d labels", maxSeriesLabels)
		}
		if version == 2 {
			return w.references(b, add)
		}
		var key, value string
		err := fields(b, func(n protowire.Number, _ uint64, b []byte) error {
			switch n {
			case 1:
				key = strings.ToValidUTF8(string(b), "\uFFFD")
			case 2:
				value = strings.ToValidUTF8(string(b), "\uFFFD")
			}
			return nil
		})
		add(key, value)
		return err
	})
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("a series without __name__")
	}
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

// maxSeriesLabels bounds the labels of a series.
const maxSeriesLabels = 200

// references reads the labels of a 2.0 series: places of names and values in the symbols.
func (w *remoteWrite) references(b []byte, add func(key, value string)) error {
	at := 0
	key := ""
	for len(b) > 0 {
		i, n := protowire.ConsumeVarint(b)
		switch {
		case n < 0:
			return errRemoteWrite
		case i >= uint64(len(w.symbols)):
			return fmt.Errorf("symbol %d of %d", i, len(w.symbols))
		case at >= 2*maxSeriesLabels:
			return fmt.Errorf("a series of more than %d labels", maxSeriesLabels)
		}
		if at%2 == 0 {
			key = w.symbols[i]
		} else {
			add(key, w.symbols[i])
		}
		at++
		b = b[n:]
	}
	if at%2 != 0 {
		return errors.New("a label without a value")
	}
	return nil
}

// put appends an event of a series.
func (w *remoteWrite) put(base *event.Event, suffix string, bits uint64, ms int64) error {
	if len(w.events) >= w.most {
		return errTooMany
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
	return nil
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
