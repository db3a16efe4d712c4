package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"zeta/server"
)

var reloadCommand = &command{
	name:    "reload",
	summary: "have a running zeta load its rules again",
	doc: `Asks the zeta on this machine, over its HTTP address, to read its rules again. If they have problems, they are printed,
nothing changes and the exit status is 1. Otherwise they run from then on: connections stay, and operators whose identity
is the same keep their state. An identity is the path of the stateful operators with their arguments; conditions do not
count, so that a threshold can be edited without loss, and id("name", …) gives one that stays.

With --plan nothing is changed: it says which operators would keep their state, lose it, or start afresh, and which
listeners, sinks and sources would stay, be opened again with other options, be opened and be closed. A sink that is
opened again keeps its queue; one that is closed delivers what it holds first.`,
	example: `zeta reload --plan
zeta reload
zeta reload --addr 127.0.0.1:8080 --tls --ca ca.pem`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var at api
		plan := fs.Bool("plan", false, "only say what would keep and what would lose its state")
		asJSON := fs.Bool("json", false, "print the server's answer as it is")
		at.declare(fs)
		fs.Lookup("timeout").DefValue = "1m0s"
		at.timeout = time.Minute
		return func(c *cli, _ []string) error { return reload(c, &at, *plan, *asJSON) }
	},
}

func reload(c *cli, at *api, plan, asJSON bool) error {
	path := "/api/v1/reload"
	if plan {
		path += "?plan=true"
	}
	resp, err := at.request(context.Background(), http.MethodPost, path, nil, nil, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if asJSON {
		fmt.Fprintln(c.out, string(bytes.TrimSpace(body)))
		if resp.StatusCode != http.StatusOK {
			return errFailed
		}
		return nil
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct{ Error string }
		if err := json.Unmarshal(body, &refused); err != nil || refused.Error == "" {
			return fmt.Errorf("%s answers %s, which is not an answer of zeta", at.addr, resp.Status)
		}
		if resp.StatusCode != http.StatusUnprocessableEntity {
			return errors.New(refused.Error)
		}
		fmt.Fprintf(c.out, "%s\nthe rules that ran before go on\n", refused.Error)
		return errFailed
	}
	var r server.Reloaded
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	printReloaded(c.out, &r)
	return nil
}

// printReloaded prints what a reload has done: first what deserves a look.
func printReloaded(w io.Writer, r *server.Reloaded) {
	for _, text := range r.Warnings {
		fmt.Fprintln(w, text)
	}
	for _, part := range []struct {
		word  string
		items []string
	}{{"loses", r.Loses}, {"new", r.New}, {"keeps", r.Keeps}, {"closes", r.Closes}, {"reopens", r.Reopens}, {"opens", r.Opens}, {"stays", r.Stays}} {
		for _, item := range part.items {
			fmt.Fprintf(w, "%-7s %s\n", part.word, item)
		}
	}
	counts := fmt.Sprintf("%d %s of operators kept, %d lost, %d new", len(r.Keeps), plural(len(r.Keeps), "state"), len(r.Loses), len(r.New))
	if r.Planned {
		fmt.Fprintf(w, "a reload would do this: %s\n", counts)
		return
	}
	fmt.Fprintf(w, "reloaded: %s; events waited %v\n", counts, time.Duration(r.LockSeconds*float64(time.Second)).Round(time.Microsecond))
}
