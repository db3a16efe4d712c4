package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"zeta/journal"
)

// On a disk that others have filled, alerts use the space that was set aside for them; when that is used up, too, they
// wait in memory until there is room.
func TestAlertsUseTheReserveOfAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("zeta-reserve", disk, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	path := filepath.Join(disk, "outbox.db")
	o, err := journal.OpenOutbox(path, journal.OutboxOptions{ReserveBytes: 4 << 20, RetryEvery: 20 * time.Millisecond, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close(t.Context()) })
	put(t, o, "slack", 1, 10)
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = filler.Write(block)
	}
	filler.Close()
	if info, err := os.Stat(path + ".reserve"); err != nil || info.Size() != 4<<20 {
		t.Fatalf("the reserve: %v, %v", info, err)
	}
	body := make([]byte, 64<<10)
	alert := func(n int) (ticket uint64) {
		ticket, err := o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(uint64(n)), Key: "k", Stamp: int64(n), Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	for n := 100; n < 120; n++ { // more than the file has room for by itself, less than the reserve
		if err := o.Wait(t.Context(), alert(n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path + ".reserve"); !os.IsNotExist(err) {
		t.Fatalf("20 alerts are durable though the reserve is still there: %v", err)
	}
	var last uint64
	for n := 200; n < 300; n++ { // more than the disk has
		last = alert(n)
	}
	for o.Stats().Degraded == "" {
		if o.Settled() >= last {
			t.Fatal("a disk took more than it has")
		}
	}
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	if err := o.Wait(t.Context(), last); err != nil {
		t.Fatal(fmt.Errorf("when there is room again: %w", err))
	}
	if n, _, _ := o.Queue("slack").Len(); n != 130 {
		t.Errorf("%d alerts wait, want 130", n)
	}
}
