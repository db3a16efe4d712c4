package faults

import (
	"net"
	"strings"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// sendPadding sends n large events that cause no alert and returns how many were answered.
func (j *judge) sendPadding(addr string, n int) (answered int) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return 0
	}
	defer nc.Close()
	e := plainEvent("padding")
	e.SetDescription(strings.Repeat("x", 60_000))
	frame := wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{e}})
	frames := wire.NewFrameReader(nc, 1<<20)
	for answered < n {
		nc.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := nc.Write(frame); err != nil {
			return answered
		}
		for {
			_, ok, err := frames.Next()
			if err != nil {
				return answered
			}
			if ok {
				break
			}
			if frames.Fill() != nil {
				return answered
			}
		}
		answered++
	}
	return answered
}
