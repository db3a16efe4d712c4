package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"zeta/journal"
	"zeta/server"
)

var journalCommand = &command{
	name:    "journal",
	args:    "verify|cat|cut|stat DIR",
	summary: "look into the journal of a data directory",
	doc: `Reads what zeta serve --data DIR has kept. DIR is that directory, or the journal in it.

verify reads everything and says what is missing or damaged; a torn end, as a kill leaves it, is not damage. The status
is 1 when something is wrong. cat prints one JSON object for each record: the events of batches, the rules, the starts.
stat prints the files. cut removes every record after --after, as one would before a replay of what led to a fault; what
it cuts off, and the checkpoints made later, are moved to directories named quarantine; zeta must not be running on DIR.
All but cut may be used while zeta runs.`,
	example: `zeta journal verify /var/lib/zeta
zeta journal cat /var/lib/zeta --from 120000 | jq -c 'select(.kind == "batch") | .events[]'
zeta journal cut /var/lib/zeta --after 120500`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		from := fs.Uint64("from", 0, "cat: first `RECORD` (default the oldest)")
		after := fs.Int64("after", -1, "cut: last `RECORD` that stays (default none: cut asks for it)")
		return func(c *cli, args []string) error {
			if len(args) != 2 {
				return usagef("it takes what to do and a directory, such as verify DIR")
			}
			dir, err := journalDir(args[1])
			if err != nil {
				return usageError{err}
			}
			switch args[0] {
			case "verify":
				return verifyJournal(c, dir)
			case "cat":
				return catJournal(c, dir, *from)
			case "stat":
				return statJournal(c, dir)
			case "cut":
				if *after < 0 {
					return usagef("cut needs --after RECORD, the last one that stays")
				}
				return cutJournal(c, args[1], dir, uint64(*after))
			}
			return usagef("%q: want verify, cat, cut or stat", args[0])
		}
	},
}

// journalDir returns the directory of the journal in a data directory, or the directory itself.
func journalDir(dir string) (string, error) {
	inside := filepath.Join(dir, "journal")
	if info, err := os.Stat(inside); err == nil && info.IsDir() {
		return inside, nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	return dir, err
}

func verifyJournal(c *cli, dir string) error {
	rep, err := journal.Verify(journal.OS{}, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d records in %d files", rep.Records, rep.Segments)
	if rep.Records > 0 {
		fmt.Fprintf(c.out, ", %d to %d", rep.First, rep.Last)
	}
	fmt.Fprintln(c.out)
	for _, kind := range slices.Sorted(maps.Keys(rep.Kinds)) {
		fmt.Fprintf(c.out, "  %-8s %d\n", kind, rep.Kinds[kind])
	}
	if rep.Torn > 0 {
		fmt.Fprintf(c.out, "torn end of %d bytes: the next start cuts it\n", rep.Torn)
	}
	for _, g := range rep.Gaps {
		fmt.Fprintln(c.out, "missing", g)
	}
	for _, d := range rep.Damages {
		fmt.Fprintf(c.out, "damaged %v\n", d)
	}
	for _, b := range rep.Bad {
		fmt.Fprintf(c.out, "unreadable %s: %s\n", b.Name, b.Err)
	}
	if !rep.OK() {
		fmt.Fprintf(c.out, "%d records lost, %d bytes damaged\n", rep.Lost, rep.Skipped)
		return errFailed
	}
	fmt.Fprintln(c.out, "nothing is wrong")
	return nil
}

func catJournal(c *cli, dir string, from uint64) error {
	r, err := journal.OpenDir(journal.OS{}, dir, from)
	if err != nil {
		return err
	}
	defer r.Close()
	out := bufio.NewWriter(c.out)
	printer := server.NewRecordPrinter()
	var line []byte
	for told := 0; ; {
		rec, err := r.Next()
		for ; told < len(r.Gaps); told++ {
			fmt.Fprintf(out, "{\"missing\":%q}\n", r.Gaps[told].String())
		}
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		line = append(printer.Append(line[:0], rec), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
}

func statJournal(c *cli, dir string) error {
	files, err := journal.Stat(journal.OS{}, dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tFIRST\tBEGUN\tBYTES\tSTART")
	var bytes int64
	for _, f := range files {
		if f.Err != "" {
			fmt.Fprintf(w, "%s\tunreadable: %s\n", f.Name, f.Err)
			continue
		}
		bytes += f.Bytes
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\n", f.Name, f.First, time.UnixMicro(f.Stamp).UTC().Format(time.RFC3339), f.Bytes, f.Generation)
	}
	w.Flush()
	fmt.Fprintf(c.out, "%d files, %d bytes with what is reserved\n", len(files), bytes)
	return nil
}

// cutJournal cuts the journal at dir, of the data directory, which must not be in use.
func cutJournal(c *cli, data, dir string, after uint64) error {
	if data == dir {
		data = filepath.Dir(dir)
	}
	lock, err := journal.LockDir(data)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	moved, err := journal.Cut(journal.OS{}, dir, after)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d bytes after record %d were moved to %s\n", moved, after, filepath.Join(dir, "quarantine"))
	names, err := setCheckpointsAside(filepath.Join(data, "checkpoints"), after)
	for _, name := range names {
		fmt.Fprintf(c.out, "checkpoint %s, which stands for later records, was moved to quarantine too\n", name)
	}
	return err
}

// setCheckpointsAside moves the checkpoints that hold the effect of records after the given one to quarantine.
func setCheckpointsAside(dir string, after uint64) (moved []string, err error) {
	names, err := journal.OS{}.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range names {
		f, err := journal.OS{}.Open(filepath.Join(dir, name))
		if err != nil {
			return moved, err
		}
		r, err := journal.ReadCheckpoint(f, name)
		if err != nil {
			f.Close() // not a whole one: no start uses it
			continue
		}
		later := r.Seq > after
		r.Close()
		if !later {
			continue
		}
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "quarantine", name)); err != nil {
			return moved, err
		}
		moved = append(moved, name)
	}
	return moved, err
}
