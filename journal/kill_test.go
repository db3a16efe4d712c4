package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zeta/internal/faultpoint"
	"zeta/journal"
)

// childDir names the data directory of the process that is killed: this test binary, run again.
const childDir = "ZETA_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

var killOptions = journal.Options{SegmentBytes: 128 << 10, RetainBytes: 1 << 20, Logger: quiet}

// child appends, waits, and says what it was promised, until it is killed.
func child(dir string) {
	check := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	lock, err := journal.LockDir(dir)
	check(err)
	defer lock.Unlock()
	l, err := journal.Open(filepath.Join(dir, "log"), killOptions)
	check(err)
	o, err := journal.OpenOutbox(filepath.Join(dir, "outbox"), journal.OutboxOptions{Log: l, ReserveBytes: -1, Logger: quiet})
	check(err)
	c, err := journal.OpenCheckpoints(nil, filepath.Join(dir, "state"), quiet)
	check(err)
	q := o.Queue("slack")
	ctx := context.Background()
	for i := uint64(0); i < 3000; i++ {
		n := l.Generation()<<40 + i
		seq, err := l.Append(journal.KindBatch, int64(n), fmt.Append(nil, n, " "), make([]byte, 3000))
		check(err)
		ticket, err := o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(n), Seq: seq, Stamp: int64(n), Body: fmt.Append(nil, n)})
		check(err)
		wait := l.WaitWritten
		if i%7 == 0 {
			wait = l.WaitSynced
		}
		check(wait(ctx, seq))
		check(o.Wait(ctx, ticket))
		fmt.Println("ack", seq, n)
		if entries, err := q.Peek(1, 1<<20); err == nil && len(entries) > 0 && i%3 == 0 {
			fmt.Println("sent", string(entries[0].Body))
			q.Done(entries...)
		}
		if i%20 == 19 {
			w, err := c.Create(seq, 0)
			check(err)
			fmt.Fprint(w.Section("index"), seq)
			check(w.Commit())
			fmt.Println("checkpoint", seq)
			l.Keep(seq)
		}
	}
}

// judge holds what children said over several lives.
type judge struct {
	t          *testing.T
	dir        string
	acked      map[uint64]uint64 // sequence → number
	alerts     map[string]bool   // acked and not sent
	checkpoint uint64
}

// live runs a child until it has said so many lines, or ends by itself, and kills it. It returns what it said.
func (j *judge) live(lines int, points string) (said int) {
	j.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+j.dir, "ZETA_FAULTPOINTS="+points)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		j.t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for in.Scan() {
		j.hear(in.Text())
		if said++; said == lines {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return said
}

func (j *judge) hear(line string) {
	var seq, n uint64
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ack":
		fmt.Sscan(rest, &seq, &n)
		j.acked[seq] = n
		j.alerts[fmt.Sprint(n)] = true
	case "sent":
		delete(j.alerts, rest)
	case "checkpoint":
		fmt.Sscan(rest, &j.checkpoint)
	default:
		j.t.Fatalf("the child says %q", line)
	}
}

// check opens what the child left: everything promised must be there.
func (j *judge) check(what string) {
	j.t.Helper()
	l, err := journal.Open(filepath.Join(j.dir, "log"), killOptions)
	if err != nil {
		j.t.Fatalf("%s: %v", what, err)
	}
	defer l.Close(context.Background())
	found := map[uint64]uint64{}
	r, err := l.Read(0, func(rec journal.Record) error {
		var n uint64
		if rec.Kind == journal.KindBatch {
			fmt.Sscan(string(rec.Body), &n)
			found[rec.Seq] = n
		}
		return nil
	})
	if err != nil || r.Lost != 0 {
		j.t.Fatalf("%s: %v; gaps %v", what, err, r.Gaps)
	}
	oldest := l.Stats().Oldest
	for seq, n := range j.acked {
		if got, ok := found[seq]; seq >= oldest && (!ok || got != n) {
			j.t.Fatalf("%s: record %d was acked and is %d (there: %v); the log begins at %d", what, seq, got, ok, oldest)
		}
	}
	if oldest > j.checkpoint+1 {
		j.t.Fatalf("%s: the log begins at %d, and the last checkpoint stands for %d", what, oldest, j.checkpoint)
	}
	o, err := journal.OpenOutbox(filepath.Join(j.dir, "outbox"), journal.OutboxOptions{ReserveBytes: -1, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		j.t.Fatalf("%s: %v", what, err)
	}
	defer o.Close(context.Background())
	if why, ok := o.Rebuilt(); ok {
		j.t.Fatalf("%s: the outbox was rebuilt: %s", what, why)
	}
	entries, err := o.Queue("slack").Peek(1<<30, 1<<40)
	if err != nil {
		j.t.Fatalf("%s: %v", what, err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[string(e.Body)] = true
	}
	for alert := range j.alerts {
		if !there[alert] {
			j.t.Fatalf("%s: alert %s was acked, not sent, and is not in the outbox", what, alert)
		}
	}
	c, err := journal.OpenCheckpoints(nil, filepath.Join(j.dir, "state"), quiet)
	if err != nil {
		j.t.Fatalf("%s: %v", what, err)
	}
	cp, fallbacks, err := c.Latest()
	if err != nil || fallbacks != 0 {
		j.t.Fatalf("%s: checkpoint: %v, %d fallbacks", what, err, fallbacks)
	}
	if cp != nil {
		defer cp.Close()
	}
	if j.checkpoint != 0 && (cp == nil || cp.Seq < j.checkpoint) {
		j.t.Fatalf("%s: checkpoint %d was committed and is not there", what, j.checkpoint)
	}
}

func newJudge(t *testing.T) *judge {
	return &judge{t: t, dir: t.TempDir(), acked: map[uint64]uint64{}, alerts: map[string]bool{}}
}

func TestKilledAtAnyTimeNothingPromisedIsLost(t *testing.T) {
	cycles := 8
	if *long {
		cycles = 1000
	}
	j := newJudge(t)
	for i := range cycles {
		j.live(1+i*37%400, "")
		j.check(fmt.Sprint("life ", i))
	}
}

// TestFaultPoints kills at every named place, the first and a later time. It needs the build tag faultpoints.
func TestFaultPoints(t *testing.T) {
	if !faultpoint.Enabled {
		t.Skip("build with -tags faultpoints")
	}
	for _, point := range []string{
		"journal.written", "journal.syncing", "journal.synced", "journal.sealed", "journal.created", "journal.segment",
		"journal.removing", "journal.removed", "checkpoint.written", "checkpoint.synced", "checkpoint.renamed",
		"outbox.commit", "outbox.applied", "outbox.committed",
	} {
		t.Run(point, func(t *testing.T) {
			j := newJudge(t)
			for _, nth := range []int{1, 1, 3} { // twice in a row, and later
				j.live(-1, fmt.Sprintf("%s=kill:%d", point, nth))
				j.check(fmt.Sprint(point, " ", nth))
			}
			if len(j.acked) == 0 || len(j.acked) >= 3*3000 {
				t.Fatalf("%d acks: the point was not reached, or nothing else", len(j.acked))
			}
		})
	}
}
