package streams

func init() {
	Register(Spec[ExceptionStreamOptions]{
		Name:    "exceptionStream",
		Summary: "Send an event to a handler for each failure below.",
		Doc: `Passes its input to the children. When an operator below cannot do its work (a strict fold on a missing metric), in a timer too, the handler gets
an event with service "riemann exception", state "error", time now, tags "exception" and the operator's name, a description that says where and
why, the host of the event that failed, and attributes operator, rule, event.service and event.state. Of nested ones the innermost gets it; a
failure in a handler goes to the next one out. A let is not below: it stands for itself.`,
		Source:  "riemann.streams/exception-stream",
		Differs: "Timers keep their handler, for every operator. The original event is not carried whole.",
		Clock:   "none",
		New: func(env *Env, o ExceptionStreamOptions, _ Stream) (Stream, error) {
			inner := *env
			inner.handler = o.Handler.Build(env)
			return &passer{env.node, o.Children.Build(&inner)}, nil
		},
		Examples: []Example{{
			Title: "a strict fold",
			Rule:  `exceptionStream(errors, fixedEventWindow(2, smap(sumStar, out)))`,
			Test:  `at(5, event({host: "a", metric: 1}), event({host: "b"})), expect(out, []), expect(errors, [{state: "error", time: 5}])`,
		}},
	})
}

// ExceptionStreamOptions are the options of exceptionStream.
type ExceptionStreamOptions struct {
	Handler  Branch `arg:"1" takes:"events" doc:"gets an event for each failure"`
	Children Branch `arg:"2,rest" doc:"the streams whose failures it handles"`
}
