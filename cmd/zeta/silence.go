package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os/user"
	"text/tabwriter"
	"time"

	"zeta/server"
)

var silenceCommand = &command{
	name:    "silence",
	args:    "add QUERY | list | end ID…",
	summary: "hold alerts back for a while, as for a maintenance",
	doc: `A silence holds back the alerts about events that match its query, in Riemann's query language: what Slack, webhooks and
other sinks for alerts would get. Rules, index, dashboard and sinks in bulk see the events as ever. A value with several
events is held if all match.

What is held is not lost. When the silence ends, the newest alert of each rule, host and service is sent after all, unless
its state is ok by then or another silence holds it. News that all is well are held as well; add 'and state != "ok"' to the
query to let them through.

Silences outlive a restart and a change of the rules. add and end are allowed on the server's own
machine only, or with a token that has the right admin.`,
	example: `zeta silence add 'host = "web1"' --for 2h --comment 'new disks'
zeta silence add 'service =~ "backup%" and state != "ok"' --for 72h
zeta silence list
zeta silence end 5c91e0a2`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var s silence
		s.declare(fs)
		fs.DurationVar(&s.lasts, "for", time.Hour, "`DURATION` of the silence")
		fs.StringVar(&s.comment, "comment", "", "`TEXT` for those who wonder why it is quiet")
		fs.StringVar(&s.by, "by", "", "`NAME` of who is to be asked (default the user's)")
		return func(c *cli, args []string) error {
			switch {
			case len(args) == 2 && args[0] == "add":
				return s.add(c, args[1])
			case len(args) == 1 && args[0] == "list":
				return s.list(c)
			case len(args) > 1 && args[0] == "end":
				return s.end(c, args[1:])
			}
			return usagef("want add with one query in quotes, list, or end with ids")
		}
	},
}

type silence struct {
	api
	lasts       time.Duration
	by, comment string
}

func (s *silence) add(c *cli, query string) error {
	if u, err := user.Current(); s.by == "" && err == nil {
		s.by = u.Username
	}
	var answer struct {
		server.Silence
		Matches int
	}
	body := map[string]string{"query": query, "for": s.lasts.String(), "by": s.by, "comment": s.comment}
	if err := s.call(http.MethodPost, "/api/v1/silences", nil, body, &answer); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s until %s; it matches %d %s of the index now\n",
		answer.ID, answer.Until.Local().Format(time.RFC3339), answer.Matches, plural(answer.Matches, "event"))
	return nil
}

func (s *silence) list(c *cli) error {
	var answer struct{ Silences []server.Silence }
	if err := s.call(http.MethodGet, "/api/v1/silences", nil, nil, &answer); err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUNTIL\tHELD\tWAITING\tBY\tQUERY\tCOMMENT")
	for _, v := range answer.Silences {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", v.ID, v.Until.Local().Format(time.RFC3339), v.Held, v.Waiting, plain(v.By), plain(v.Query), plain(v.Comment))
	}
	return w.Flush()
}

func (s *silence) end(c *cli, ids []string) error {
	for _, id := range ids {
		var was server.Silence
		if err := s.call(http.MethodDelete, "/api/v1/silences/"+url.PathEscape(id), nil, nil, &was); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has ended; it held %d %s\n", was.ID, was.Held, plural(int(was.Held), "alert"))
	}
	return nil
}
