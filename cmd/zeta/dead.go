package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"
)

var deadCommand = &command{
	name:    "dead",
	args:    "list|show|resend|drop [SINK [NUMBER…]]",
	summary: "see, resend or drop alerts that a sink refused for good",
	doc: `Asks a running server. list prints every sink: whether it is ok, failing or broken, since
when, what waits and what is dead; with a sink, its dead letters. show
prints them whole, one JSON object a line. resend puts them at the end of the sink's queue again, with the ids they
had, or with --to at the end of another sink's, and drop removes them. A sink that no rule names any more is there as
long as alerts for it are left. resend and drop want numbers or --all, and are
allowed on the server's own machine only, or with a token that has the right admin.`,
	example: `zeta dead list
zeta dead show slack | jq .error
zeta dead resend slack 17 18
zeta dead resend slack-1f2e --all --to pager
zeta dead drop webhook --all`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var d dead
		d.declare(fs)
		fs.StringVar(&d.to, "to", "", "resend to this `SINK` instead")
		fs.BoolVar(&d.all, "all", false, "resend or drop all dead letters of the sink")
		return func(c *cli, args []string) error {
			if len(args) == 0 {
				return usagef("it takes what to do: list, show, resend or drop")
			}
			return d.run(c, args[0], args[1:])
		}
	},
}

type dead struct {
	api
	all bool
	to  string
}

// deadLetter is a dead letter as the server tells it.
type deadLetter struct {
	Pos    uint64            `json:"pos"`
	At     time.Time         `json:"at"`
	Rule   string            `json:"rule"`
	Error  string            `json:"error"`
	Events []json.RawMessage `json:"events"`
}

func (d *dead) run(c *cli, verb string, args []string) error {
	switch {
	case verb == "list" && len(args) == 0:
		return d.sinks(c)
	case (verb == "list" || verb == "show") && len(args) == 1:
		return d.letters(c, args[0], verb == "show")
	case verb == "list" || verb == "show":
		return usagef("%s takes one sink; zeta dead list names them", verb)
	case verb != "resend" && verb != "drop":
		return usagef("%q: want list, show, resend or drop", verb)
	case len(args) == 0 || len(args) == 1 != d.all:
		return usagef("%s takes a sink and numbers, or a sink and --all", verb)
	}
	q := url.Values{"sink": {args[0]}, "pos": args[1:]}
	if d.all {
		q.Set("all", "true")
	}
	if d.to != "" {
		if verb != "resend" {
			return usagef("--to goes with resend")
		}
		q.Set("to", d.to)
	}
	var answer struct{ Count int }
	if err := d.call("POST", "/api/v1/dead/"+verb, q, nil, &answer); err != nil {
		return err
	}
	what := map[string]string{"resend": "will be sent again", "drop": "dropped"}[verb]
	fmt.Fprintf(c.out, "%d dead letters of %s %s\n", answer.Count, args[0], what)
	return nil
}

func (d *dead) sinks(c *cli) error {
	var answer struct {
		Sinks []struct {
			ID, State, Error string
			Since            time.Time
			Queued           int
			Delivered, Dead  uint64
		}
	}
	if err := d.call("GET", "/api/v1/sinks", nil, nil, &answer); err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SINK\tSTATE\tSINCE\tQUEUED\tDELIVERED\tDIED\tERROR")
	for _, s := range answer.Sinks {
		since := "-"
		if !s.Since.IsZero() {
			since = s.Since.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.ID, plain(s.State), since, s.Queued, s.Delivered, s.Dead, plain(s.Error))
	}
	return w.Flush()
}

func (d *dead) letters(c *cli, sink string, whole bool) error {
	var answer struct{ Dead []deadLetter }
	if err := d.call("GET", "/api/v1/dead", url.Values{"sink": {sink}}, nil, &answer); err != nil {
		return err
	}
	if whole {
		out := json.NewEncoder(c.out)
		for _, l := range answer.Dead {
			if err := out.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tAT\tRULE\tEVENTS\tERROR")
	for _, l := range answer.Dead {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\n", l.Pos, l.At.Format(time.RFC3339), l.Rule, len(l.Events), plain(l.Error))
	}
	return w.Flush()
}
