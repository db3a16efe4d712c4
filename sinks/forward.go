package sinks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"zeta/event/wire"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[ForwardOptions]{
		Name:    "forward",
		Summary: "Send events to another zeta or Riemann, over TCP or TLS.",
		Doc: `Up to batch events, gathered for wait, make one message of Riemann's protocol; the next is sent when the answer to it has
come. An answer that is not ok is no reason to send again what has been evaluated: it makes dead letters.`,
		Differs:  "Riemann's forward gives up after an error. Here the order is kept and what was not answered is sent again.",
		Deliver:  func(o ForwardOptions) streams.Delivery { return o.delivery() },
		Defaults: ForwardOptions{Target: Target{Timeout: 10 * time.Second}, Batch: 100, Wait: 100 * time.Millisecond, Kept: Kept{"bulk"}},
		Check:    func(o ForwardOptions) error { return o.Target.check(`forward({to: "riemann.example.com:5555"})`) },
		Open:     openForward,
		Examples: []streams.Example{{
			Title: "everything goes to headquarters too",
			Rule:  `let hq = forward({to: "hq.example.com:5554", ca: "ca.pem"}); hq`,
			Test:  `at(0, event({host: "web1", service: "up", metric: 1})), expect(hq, [{host: "web1"}])`,
		}},
	})
}

// ForwardOptions are the options of forward.
type ForwardOptions struct {
	Target
	Batch int           `opt:"batch" min:"1" max:"1000" doc:"events in one message at most"`
	Wait  time.Duration `opt:"wait"  max:"1m" doc:"how long an event waits for company; 0 sends at once"`
	Kept
}

func openForward(o ForwardOptions) (any, error) {
	l, err := newLine(o.Target)
	if err != nil {
		return nil, err
	}
	return Opened{Sender: &forward{line: l}, Batching: Batching{Events: o.Batch, Wait: o.Wait}}, nil
}

// forward sends messages over one connection.
type forward struct {
	*line
	frames *wire.FrameReader
	out    []byte
	msg    wire.Msg
}

// Send implements Sender.
func (f *forward) Send(ctx context.Context, alerts []*streams.Alert) error {
	f.msg.Events = f.msg.Events[:0]
	for _, a := range alerts {
		f.msg.Events = append(f.msg.Events, a.Events...)
	}
	if len(f.msg.Events) == 0 {
		return nil
	}
	if f.conn == nil {
		f.frames = nil
	}
	if err := f.open(ctx); err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	if f.frames == nil {
		f.frames = wire.NewFrameReader(bufio.NewReader(f.conn), maxAnswer)
	}
	stop := context.AfterFunc(ctx, func() { f.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	answer, err := f.exchange()
	if err != nil {
		f.close()
		return fmt.Errorf("forward: %w", err)
	}
	if answer.HasOK && !answer.OK {
		return Permanent(fmt.Errorf("forward: %s answered: %s", f.To, answer.Error))
	}
	return nil
}

func (f *forward) exchange() (*wire.Msg, error) {
	f.out = wire.AppendFrame(f.out[:0], &f.msg)
	if _, err := f.conn.Write(f.out); err != nil {
		return nil, err
	}
	for {
		payload, ok, err := f.frames.Next()
		if err != nil {
			return nil, err
		}
		if ok {
			var answer wire.Msg
			if err := wire.NewDecoder(wire.DefaultLimits).Decode(&answer, payload); err != nil {
				return nil, fmt.Errorf("the answer of %s: %w", f.To, err)
			}
			return &answer, nil
		}
		if err := f.frames.Fill(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s did not answer", f.To), err)
		}
	}
}
