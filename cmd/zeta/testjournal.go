package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"zeta/event"
	"zeta/journal"
	"zeta/server"
	"zeta/streams"
)

// testJournal runs rules on the batches of a journal and prints what they made of them.
func (o *testFlags) testJournal(c *cli, files []string) error {
	dir, err := journalDir(o.journal)
	if err != nil {
		return usageError{err}
	}
	if err := readable(files); err != nil {
		return err
	}
	rules, problems := streams.Load(files, streams.LoadOptions{})
	if problems.Err() != nil {
		fmt.Fprintln(c.out, problems.Error())
		return errFailed
	}
	unread := 0
	feed := func(push func(stamp int64, batch []event.Event)) error {
		r, err := journal.OpenDir(journal.OS{}, dir, 0)
		if err != nil {
			return err
		}
		defer r.Close()
		records := server.NewRecordPrinter()
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				unread += len(r.Gaps)
				return nil
			}
			if err != nil {
				return err
			}
			switch events, err := records.Events(rec); {
			case err != nil:
				unread++
			case len(events) > 0:
				push(rec.Stamp, events)
			}
		}
	}
	opts := streams.RunOptions{Only: func(name string) bool { return strings.Contains(name, o.run) }}
	result, err := rules.RunFeed(feed, opts)
	if err != nil {
		return err
	}
	if result.Batches == 0 {
		return fmt.Errorf("there is no event in the journal at %s; zeta serve --data DIR records them", dir)
	}
	stamp := func(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }
	fmt.Fprintf(c.out, "%d events in %d batches, %s to %s\n", result.Events, result.Batches, stamp(result.From), stamp(result.To))
	if unread > 0 {
		fmt.Fprintf(c.out, "%d parts of the journal are missing or cannot be read; zeta journal verify tells more\n", unread)
	}
	for _, s := range result.Seen {
		fmt.Fprintf(c.out, "%8d  %s\n", s.Values, s.Name)
	}
	report := fileReport{name: strings.Join(files, " ")}
	for _, t := range result.Tests {
		report.outcomes = append(report.outcomes, outcome{t.Name, t.Pos, t.Failures})
	}
	passed, failed := o.print(c, report)
	if passed+failed > 0 {
		fmt.Fprintf(c.out, "%d properties hold, %d do not\n", passed, failed)
	}
	if failed > 0 {
		return errFailed
	}
	return nil
}
