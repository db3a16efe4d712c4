package wire

import (
	"encoding/binary"
	"math"

	"zeta/event"

	"google.golang.org/protobuf/encoding/protowire"
)

// AckOK is the frame that answers a message whose events were taken: ok = true and nothing else.
var AckOK = []byte{0, 0, 0, 2, tagOK, 1}

// AppendFrame appends m as a frame: its length in four bytes, then the message. A message of 4 GiB or
// more has no frame; the caller bounds what it puts into m.
func AppendFrame(dst []byte, m *Msg) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = AppendMsg(dst, m)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// AppendMsg appends m without a length, as a UDP datagram carries it.
func AppendMsg(dst []byte, m *Msg) []byte {
	if m.HasOK {
		dst = append(dst, tagOK, byte(one(m.OK)))
	}
	if m.HasError {
		dst = appendText(dst, tagError, m.Error)
	}
	if m.HasQuery {
		dst = append(dst, tagQuery)
		dst = protowire.AppendVarint(dst, uint64(textSize(m.Query)))
		dst = appendText(dst, tagText, m.Query)
	}
	for i := range m.Events {
		e := &m.Events[i]
		dst = append(dst, tagEvents)
		dst = protowire.AppendVarint(dst, uint64(eventSize(e)))
		dst = AppendEvent(dst, e)
	}
	return dst
}

// AppendEvent appends e as a bare Event message, fields in ascending order. As Riemann does, it writes
// the time both in whole seconds (toward zero) and in microseconds, and the metric as metric_f beside
// metric_sint64 or metric_d whenever it fits in a float32, so that old readers find something.
// The ttl loses what a float32 cannot hold.
func AppendEvent(dst []byte, e *event.Event) []byte {
	if e.Has&event.HasTime != 0 {
		dst = append(dst, tagTime)
		dst = protowire.AppendVarint(dst, uint64(e.Time/1_000_000))
	}
	if e.Has&event.HasState != 0 {
		dst = appendText(dst, tagState, e.State)
	}
	if e.Has&event.HasService != 0 {
		dst = appendText(dst, tagService, e.Service)
	}
	if e.Has&event.HasHost != 0 {
		dst = appendText(dst, tagHost, e.Host)
	}
	if e.Has&event.HasDescription != 0 {
		dst = appendText(dst, tagDescription, e.Description)
	}
	if e.Set != nil {
		for _, tag := range e.Set.Tags {
			dst = appendText(dst, tagTags, tag)
		}
	}
	if e.Has&event.HasTTL != 0 {
		dst = appendFloat(dst, tagTTL, e.TTL)
	}
	if e.Set != nil {
		for i := range e.Set.Attrs {
			a := &e.Set.Attrs[i]
			dst = append(dst, tagAttributes)
			dst = protowire.AppendVarint(dst, uint64(textSize(a.Key)+textSize(a.Value)))
			dst = appendText(dst, tagText, a.Key)
			dst = appendText(dst, tagValue, a.Value)
		}
	}
	if e.Has&event.HasTime != 0 {
		dst = append(dst, tagMicros)
		dst = protowire.AppendVarint(dst, uint64(e.Time))
	}
	switch {
	case e.Has&event.HasInt != 0:
		dst = append(dst, tagInt)
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(e.Int))
		dst = appendFloat(dst, tagFloat, float64(e.Int))
	case e.Has&event.HasFloat != 0:
		dst = append(dst, tagDouble)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(e.Float))
		if fitsFloat(e.Float) {
			dst = appendFloat(dst, tagFloat, e.Float)
		}
	}
	return dst
}

// eventSize is the number of bytes AppendEvent appends.
func eventSize(e *event.Event) int {
	n := 0
	if e.Has&event.HasTime != 0 {
		n += 2 + protowire.SizeVarint(uint64(e.Time/1_000_000)) + protowire.SizeVarint(uint64(e.Time))
	}
	if e.Has&event.HasState != 0 {
		n += textSize(e.State)
	}
	if e.Has&event.HasService != 0 {
		n += textSize(e.Service)
	}
	if e.Has&event.HasHost != 0 {
		n += textSize(e.Host)
	}
	if e.Has&event.HasDescription != 0 {
		n += textSize(e.Description)
	}
	if e.Has&event.HasTTL != 0 {
		n += 5
	}
	if e.Set != nil {
		for _, tag := range e.Set.Tags {
			n += textSize(tag)
		}
		for i := range e.Set.Attrs {
			a := &e.Set.Attrs[i]
			n += 1 + protowire.SizeBytes(textSize(a.Key)+textSize(a.Value))
		}
	}
	switch {
	case e.Has&event.HasInt != 0:
		n += 6 + protowire.SizeVarint(protowire.EncodeZigZag(e.Int))
	case e.Has&event.HasFloat != 0:
		n += 9
		if fitsFloat(e.Float) {
			n += 5
		}
	}
	return n
}

// textSize is the size of a string with its tag and length.
func textSize(s string) int { return 1 + protowire.SizeBytes(len(s)) }

func appendText(dst []byte, tag byte, s string) []byte {
	dst = append(dst, tag)
	dst = protowire.AppendVarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendFloat(dst []byte, tag byte, f float64) []byte {
	dst = append(dst, tag)
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f)))
}

// fitsFloat reports whether f is within the range of a float32; NaN is.
func fitsFloat(f float64) bool { return !(math.Abs(f) > math.MaxFloat32) }
