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
	read := &watched{dirs: map[string]bool{}, names: map[string]bool{}}
	// Files are often replaced rather than written, so that it is their directory that tells.
	o.opened = func(name string) {
		read.names[absolute(name)] = true
		dir := filepath.Dir(name)
		for strings.ContainsAny(dir, "*?[") {
			dir = filepath.Dir(dir)
		}
		w.Add(dir) // one that is not there is a problem of the rules, and told as one
	}
	for {
		clear(read.names)
		for _, p := range paths {
			if info, err := os.Stat(p); err == nil && info.IsDir() {
				read.dirs[absolute(p)] = true
				w.Add(p)
			} else {
				o.opened(p)
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
		if !waitForChange(ctx, w, read) {
			return nil
		}
		fmt.Fprintln(c.out)
	}
}

// watched are the files that a run has read or looked for.
type watched struct {
	names map[string]bool // full names, and patterns of includes
	dirs  map[string]bool // directories whose files of rules and cases are all run
}

// concerns reports whether a change of the file, or directory, may change what a run does.
func (x *watched) concerns(name string) bool {
	name = absolute(name)
	if x.names[name] {
		return true
	}
	if ext := filepath.Ext(name); ext == ".expr" || ext == ".json" {
		for dir := range x.dirs {
			if strings.HasPrefix(name, dir+string(filepath.Separator)) {
				return true
			}
		}
	}
	for pattern := range x.names {
		if ok, _ := filepath.Match(pattern, name); ok || strings.HasPrefix(pattern, name+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func absolute(name string) string {
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

// waitForChange returns once something that was read has changed and nothing more does; false when ctx is done.
func waitForChange(ctx context.Context, w *fsnotify.Watcher, read *watched) bool {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case e := <-w.Events:
			if e.Op&^fsnotify.Chmod != 0 && read.concerns(e.Name) {
				quiet = time.After(watchQuiet)
			}
		case <-w.Errors: // events were lost
			quiet = time.After(watchQuiet)
		case <-quiet:
			return true
		}
	}
}
