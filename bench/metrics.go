package main

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scrape reads /metrics; labels are part of a name.
func scrape(url string) (map[string]float64, error) {
	c := http.Client{Timeout: 10 * time.Second}
	resp, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	values := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			values[name] = v
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s answered %s, without any figure", url, resp.Status)
	}
	return values, lines.Err()
}

func eventsOf(url string) (float64, error) {
	m, err := scrape(url)
	return m["zeta_server_events_total"], err
}

// gauge counts what the server allocates and keeps between begin and end, without what asking costs.
type gauge struct {
	url    string
	start  counted
	asking counted
}

// counted are counters of a server, or what they grew by.
type counted struct{ mallocs, heap, journal float64 }

func (c counted) since(o counted) counted {
	return counted{max(0, c.mallocs-o.mallocs), max(0, c.heap-o.heap), max(0, c.journal-o.journal)}
}

func (g *gauge) read() (counted, error) {
	m, err := scrape(g.url)
	return counted{m["go_memstats_mallocs_total"], m["go_memstats_alloc_bytes_total"], m["zeta_journal_appended_bytes_total"]}, err
}

func (g *gauge) begin() error {
	if g.url == "" {
		return nil
	}
	for i := range 3 {
		now, err := g.read()
		if err != nil {
			return err
		}
		if i > 0 {
			g.asking = now.since(g.start)
		}
		g.start = now
	}
	return nil
}

// end puts the figures of an event into r.
func (g *gauge) end(r *loadResult) error {
	if g.url == "" {
		return nil
	}
	now, err := g.read()
	if err != nil {
		return err
	}
	grown := now.since(g.start).since(g.asking)
	events := float64(r.Events)
	r.Allocs, r.Bytes, r.Journal = grown.mallocs/events, grown.heap/events, grown.journal/events
	return nil
}
