package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// TestDiskFull fills the disk under zeta: it says that it is not ready, goes on evaluating and delivering, promises
// nothing it cannot keep, and is well again by itself when there is room. It mounts a small tmpfs, and needs root for
// that.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root may mount the small disk")
	}
	disk := t.TempDir()
	// A segment of the journal is 64 MiB, and the outbox reserves as much; there must be room for more segments.
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400m", "zeta-faults", disk).CombinedOutput(); err != nil {
		t.Skipf("no tmpfs can be mounted: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", disk).Run() })
	j := newJudge(t)
	s := newSetup(t, j.rules())
	s.data = filepath.Join(disk, "data")
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	t.Cleanup(c.kill) // before the disk goes
	j.send("before", s.tcp, 20)

	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = filler.Write(block)
	}
	filler.Close()
	// The journal's first segment was reserved whole: fill it.
	var full atomic.Bool
	go func() {
		for !full.Load() && j.sendPadding(s.tcp, 10) == 10 {
		}
	}()
	until(t, "zeta says that it is not ready", func() bool {
		status, body := c.get("/readyz")
		return status == 503 && has(body, "no space left")
	})
	full.Store(true)
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	until(t, "zeta is ready again", func() bool {
		status, _ := c.get("/readyz")
		return status == 200
	})
	if n := j.send("after", s.tcp, 20); n != 20 {
		t.Errorf("%d of 20 alerts were acknowledged after the disk had room again", n)
	}
	c.kill()
	if c := s.start(""); !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.verdict("a full disk", 1)
}
