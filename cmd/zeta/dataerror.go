package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"zeta/journal"
)

// dataError says why the data directory cannot be used.
type dataError struct {
	dir string
	err error
}

// Error implements error.
func (e *dataError) Error() string {
	if e.unwritable() {
		return fmt.Sprintf("data directory %s cannot be written by uid %d: %v; --data DIR takes another directory, --data= none", e.dir, os.Getuid(), e.err)
	}
	return fmt.Sprintf("%v; --data DIR takes another directory, --data= none", e.err)
}

// Unwrap returns the cause.
func (e *dataError) Unwrap() error { return e.err }

func (e *dataError) unwritable() bool {
	return errors.Is(e.err, fs.ErrPermission) || errors.Is(e.err, syscall.EROFS) || errors.Is(e.err, syscall.ENOTDIR)
}

// exit implements statusError.
func (e *dataError) exit() int {
	var (
		locked *journal.LockedError
		newer  *journal.VersionError
	)
	switch {
	case errors.As(e.err, &locked):
		return exitInUse
	case e.unwritable(), errors.As(e.err, &newer):
		return exitData
	}
	return exitFailure
}
