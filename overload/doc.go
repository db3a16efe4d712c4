// Package overload tells how close the program is to its limit of memory, before the kernel ends it.
//
// Vocabulary: the limit is what the process may take; nine tenths of it are for what Go manages, and percents are
// of those. Used is the greater of what the parts of the program say they hold and what Go has in use. The [Level]
// follows from used and limit, with ten points between rising and falling; when Go has taken more of the system than
// it should, since its collector does not keep up, it is Shedding at least. What is done at each level is for those
// who ask.
//
//	w := overload.New(held, changed)
//	w.SetLimit(512 << 20)
//	go w.Run(ctx)
//	if w.Level() >= overload.Sparing { … }
//
// Guarantees:
//   - Level is one atomic load: it may be asked for each message.
//   - Without a limit nothing is watched, and the level is Calm.
//   - A [Watch] is safe for concurrent use. held and changed are called by Run, one at a time, without a lock.
package overload
