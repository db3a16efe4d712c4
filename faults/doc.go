// Package faults proves the promise of zeta by breaking it: tests that kill, starve, flood and lie to a real
// zeta and count what came out.
//
//	go test ./faults                    quick sizes, within 20 seconds
//	go test ./faults -long              full sizes
//	go test ./faults -cycles 100        so many kills
//	go test ./faults -run Chaos -seed 7 repeats one run of faults
//
// Vocabulary: the child is zeta as a process of its own, built once with fault points; the oracle is what senders
// were promised, kept outside the child; the judge is a webhook that writes down what arrives and compares it with
// the oracle.
//
// Which fault of which kind is covered by which test is in docs/reliability.md.
package faults
