package server

import (
	"fmt"

	"zeta/overload"
	"zeta/streams"
)

func init() {
	streams.RegisterSetting(streams.SettingSpec[MemoryOptions]{
		Name:    "memory",
		Summary: "Say how much memory the process may take.",
		Doc: "Of this limit, the control group's and that of the option --memory the least counts; without any memory is not watched. " +
			"Nine tenths of it, of less than 240 MiB what is left beside 24, are for Go, unless GOMEMLIMIT says otherwise, and percents are of these. At 70 % queries and new subscribers are refused; " +
			"at 80 % connections take turns, and of each source one event a second is evaluated that repeats what the index has; " +
			"at 90 % it is one in ten seconds, sources that are new and well are not taken, requests with events are answered 503, and /readyz says so; " +
			"at 95 % changes of state are not evaluated either, and no connection is taken but those of listen.http. A level ends ten points lower. What was not evaluated is counted, and answered ok = false.",
		Check:    checkMemory,
		Examples: []streams.Example{{Title: "half a gigabyte", Rule: `memory("512 MiB");`}},
	})
}

// MemoryOptions is the setting memory("…").
type MemoryOptions struct {
	Limit string `arg:"1" doc:"a size such as \"512 MiB\" or \"2 GB\", at least 64 MiB"`
}

// leastMemory is what a zeta without anything to do needs, and some room.
const leastMemory = 64 << 20

func checkMemory(o MemoryOptions) error {
	n, err := overload.ParseBytes(o.Limit)
	if err == nil && n < leastMemory {
		err = fmt.Errorf("%q is too little; want at least 64 MiB", o.Limit)
	}
	return err
}

// bytes returns the limit; 0 if there is none.
func (o MemoryOptions) bytes() int64 {
	n, _ := overload.ParseBytes(o.Limit) // checked when the rules were loaded
	return n
}
