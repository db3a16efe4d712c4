package brokers

import "zeta/event/wire"

// MessageLimits are the options that all listeners have that fetch from a broker, which is their only peer. What is
// not fetched waits with the broker.
type MessageLimits struct {
	MaxSize   int `opt:"maxSize" min:"64" max:"67108864" doc:"bytes of one message"`
	MaxEvents int `opt:"maxEvents" min:"1" max:"1000000" doc:"events of one message"`
	MaxRate   int `opt:"maxRate" min:"0" doc:"events a second, and as many at once; beyond it no more is taken from the broker until they are paid for; 0: no limit"`
}

// atOnce is how many of n messages or events may be taken before it is seen to maxRate.
func (l MessageLimits) atOnce(n int) int {
	if l.MaxRate > 0 {
		return min(n, l.MaxRate)
	}
	return n
}

// messageLimits are the defaults, for messages of at most size bytes.
func messageLimits(size int) MessageLimits {
	return MessageLimits{MaxSize: size, MaxEvents: wire.DefaultLimits.Events}
}
