package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// section is what one kind of run prints.
type section struct {
	name  string // of its marks in the page
	print func() error
}

// print runs a section and says on which machine and how busy it was.
func (c *config) print(s section) error {
	machine := watchMachine()
	fmt.Fprintf(c.out, "%s\n\n", machine.describe())
	if err := s.print(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, machine.others())
	return err
}

// rewrite runs sections and puts what each printed between its marks in a page, as soon as it is known. A section that
// fails leaves its part of the page as it was, and the others go on.
func (c *config) rewrite(page string, sections ...section) error {
	if _, err := os.Stat(page); err != nil {
		return err
	}
	var failed []string
	for _, s := range sections {
		fmt.Fprintf(os.Stderr, "\nbench: %s\n", s.name)
		var text bytes.Buffer
		c.out = io.MultiWriter(os.Stdout, &text)
		if err := c.print(s); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", s.name, err)
			failed = append(failed, s.name)
			continue
		}
		old, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		changed, err := between(string(old), s.name, text.String())
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		if err := os.WriteFile(page, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	if failed != nil {
		return fmt.Errorf("not measured: %s; their parts of %s are as before", strings.Join(failed, ", "), page)
	}
	return nil
}

// between replaces what stands between the marks of a name.
func between(page, name, text string) (string, error) {
	begin, end := "<!-- bench "+name+" -->\n", "<!-- end "+name+" -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ends := strings.Cut(rest, end)
	if !ok || !ends {
		return "", fmt.Errorf("no lines %q and after it %q, between which %s would stand", strings.TrimSpace(begin), strings.TrimSpace(end), name)
	}
	return head + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + tail, nil
}
