//go:build faultpoints

package faultpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Enabled says whether the program was built with fault points.
const Enabled = true

type point struct {
	action string
	left   int // times the place is passed before the action
}

var (
	mu     sync.Mutex
	points = parse(os.Getenv("ZETA_FAULTPOINTS"))
)

// parse reads name=action[:n],…; a mistake ends the program, since a test with a misspelt point proves nothing.
func parse(s string) map[string]*point {
	m := map[string]*point{}
	for _, item := range strings.Split(s, ",") {
		if item == "" {
			continue
		}
		name, action, ok := strings.Cut(item, "=")
		action, nth, counted := strings.Cut(action, ":")
		n := 1
		if counted {
			var err error
			if n, err = strconv.Atoi(nth); err != nil || n < 1 {
				ok = false
			}
		}
		switch action {
		case "kill", "exit", "panic", "error":
		default:
			ok = false
		}
		if !ok {
			fmt.Fprintf(os.Stderr, "ZETA_FAULTPOINTS: %q is not name=kill|exit|panic|error[:n]\n", item)
			os.Exit(2)
		}
		m[name] = &point{action, n - 1}
	}
	return m
}

// Hit marks a place.
func Hit(name string) { _ = Error(name) }

// Error marks a place that can fail with an error.
func Error(name string) error {
	mu.Lock()
	p := points[name]
	if p == nil {
		mu.Unlock()
		return nil
	}
	if p.left > 0 {
		p.left--
		mu.Unlock()
		return nil
	}
	delete(points, name)
	mu.Unlock()
	switch p.action {
	case "kill":
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	case "exit":
		os.Exit(3)
	case "panic":
		panic("fault point " + name)
	}
	return fmt.Errorf("fault point %s", name)
}
