package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The size of a plot and the room around its axes.
const (
	plotWidth, plotHeight             = 640, 360
	plotLeft, plotRight               = 64, 24
	plotTop, plotBottom               = 48, 56
	plotInnerWidth                    = plotWidth - plotLeft - plotRight
	plotInnerHeight                   = plotHeight - plotTop - plotBottom
	plotFont                          = `font-family="system-ui, sans-serif" font-size="13"`
	plotInk, plotGrid                 = "#374151", "#d1d5db"
	firstLineColour, secondLineColour = "#1d4ed8", "#b45309"
	firstLineDashes, secondLineDashes = "none", "6 4"
)

// plot draws a curve: sizes on a scale by powers of ten, costs from 0. It is one SVG file that needs nothing else.
func (g curve) plot(points []point) string {
	highest := 0.0
	for _, p := range points {
		for _, v := range p.values {
			highest = max(highest, v)
		}
	}
	step := niceStep(highest / 4)
	top := step * math.Ceil(highest*1.05/step)
	first, last := math.Log10(points[0].x), math.Log10(points[len(points)-1].x)
	x := func(v float64) float64 { return plotLeft + plotInnerWidth*(math.Log10(v)-first)/(last-first) }
	y := func(v float64) float64 { return plotTop + plotInnerHeight*(1-v/top) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", plotWidth, plotHeight, html.EscapeString(g.title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" %s>%s</text>`+"\n", x, y, anchor, plotInk, plotFont, html.EscapeString(s))
	}
	text(plotLeft, 20, "start", g.title)
	for v := 0.0; v <= top*1.001; v += step {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="%s"/>`+"\n", plotLeft, y(v), plotWidth-plotRight, plotGrid)
		text(plotLeft-8, y(v)+4, "end", fmt.Sprintf("%.3g", v))
	}
	for _, p := range points {
		text(x(p.x), plotHeight-plotBottom+20, "middle", sizeLabel(p.x))
	}
	text(plotLeft+plotInnerWidth/2, plotHeight-12, "middle", g.x+" – "+g.y)
	for i, name := range g.lines {
		colour, dashes := firstLineColour, firstLineDashes
		if i == 1 {
			colour, dashes = secondLineColour, secondLineDashes
		}
		var path strings.Builder
		for n, p := range points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], x(p.x), y(p.values[i]))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", x(p.x), y(p.values[i]), colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", path.String(), colour, dashes)
		at := float64(plotLeft + 260*i)
		fmt.Fprintf(&b, `<path d="M%.1f 36h24" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", at, colour, dashes)
		text(at+30, 40, "start", name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// niceStep rounds up to 1, 2 or 5 times a power of ten.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}

func sizeLabel(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.0f M", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.0f k", v/1e3)
	}
	return fmt.Sprintf("%.0f", v)
}
