package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A read-only file system refuses everybody, root too.
func TestDataDirectoryOnAReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Skipf("a read-only file system cannot be mounted here: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	status, said := serveOn(t, filepath.Join(dir, "data"))
	if status != exitData || !strings.Contains(said, "read-only file system") {
		t.Errorf("status %d, %q; want %d and the reason", status, said, exitData)
	}
}
