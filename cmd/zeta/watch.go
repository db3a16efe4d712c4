package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watchQuiet is how long nothing may happen before tests run again: editors write a file in several steps.
const watchQuiet = 200 * time.Millisecond

// watchTests runs the tests again whenever a file changes that the last run read, until it is interrupted.
func (o *testFlags) watchTests(c *cli, paths []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("--watch: %w", err)
	}
	defer w.Close()
	return o.watchWith(ctx, c, paths, w)
}

func (o *testFlags) watchWith(ctx context.Context, c *cli, paths []string, w *fsnotify.Watcher) error {
	// Files are often replaced rather than written, so that it is their directory that tells.
	follow := func(name string) {
		dir := filepath.Dir(name)
		for strings.ContainsAny(dir, "*?[") {
			dir = filepath.Dir(dir)
		}
		w.Add(dir) // one that is not there is a problem of the rules, and told as one
	}
	o.opened = follow
	for {
		for _, p := range paths {
			if info, err := os.Stat(p); err == nil && info.IsDir() {
				follow(filepath.Join(p, "x"))
			} else {
				follow(p)
			}
		}
		var usage usageError
		switch _, err := o.test(c, paths); {
		case errors.As(err, &usage):
			fmt.Fprintln(c.out, err) // a file is being replaced, perhaps
		case err != nil && !errors.Is(err, errFailed):
			return err
		}
		fmt.Fprintf(c.out, "— %s, waiting for a change\n", time.Now().Format(time.TimeOnly))
		if !waitForChange(ctx, w, o.junit) {
			return nil
		}
		fmt.Fprintln(c.out)
	}
}

// waitForChange returns once something but the file own has changed and nothing more does; false when ctx is done.
func waitForChange(ctx context.Context, w *fsnotify.Watcher, own string) bool {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case e := <-w.Events:
			if e.Op&^fsnotify.Chmod != 0 && (own == "" || filepath.Clean(e.Name) != filepath.Clean(own)) {
				quiet = time.After(watchQuiet)
			}
		case <-w.Errors: // events were lost
			quiet = time.After(watchQuiet)
		case <-quiet:
			return true
		}
	}
}
