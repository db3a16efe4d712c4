// Package faultpoint names the places where a test may make the program fail: after a file was sealed and
// before it is renamed, after a send and before its note.
//
//	faultpoint.Hit("journal.sealed")
//
// Hit does nothing, and costs nothing, unless the program was built with the tag faultpoints. Then the
// environment variable ZETA_FAULTPOINTS says what happens where: name=action, several separated by commas. An action is
// kill (SIGKILL to the own process), exit (exit status 3) or panic; it may be followed by :n, the n-th time the
// place is reached (default: the first).
//
//	ZETA_FAULTPOINTS=journal.sealed=kill:2,outbox.committed=exit
//
// Error is a Hit that can also return an error: the action error.
package faultpoint
