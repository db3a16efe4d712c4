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

// allocGauge counts what the server allocates between begin and end, without what asking costs.
type allocGauge struct {
	url           string
	mallocs, heap float64 // at the start
	asking        [2]float64
}

func (g *allocGauge) read() (mallocs, heap float64, err error) {
	m, err := scrape(g.url)
	return m["go_memstats_mallocs_total"], m["go_memstats_alloc_bytes_total"], err
}

func (g *allocGauge) begin() error {
	if g.url == "" {
		return nil
	}
	var before [2]float64
	for i := range 3 {
		mallocs, heap, err := g.read()
		if err != nil {
			return err
		}
		if i > 0 {
			g.asking = [2]float64{mallocs - before[0], heap - before[1]}
		}
		before = [2]float64{mallocs, heap}
	}
	g.mallocs, g.heap = before[0], before[1]
	return nil
}

func (g *allocGauge) end(events float64) (allocs, bytes float64, err error) {
	if g.url == "" {
		return 0, 0, nil
	}
	mallocs, heap, err := g.read()
	return max(0, mallocs-g.mallocs-g.asking[0]) / events, max(0, heap-g.heap-g.asking[1]) / events, err
}
