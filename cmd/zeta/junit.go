package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The elements of JUnit's XML, as far as CI servers read them.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"` // seconds
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"` // the file
		File    string       `xml:"file,attr,omitempty"`
		Line    int          `xml:"line,attr,omitempty"`
		Failure *junitDetail `xml:"failure"`
		Error   *junitDetail `xml:"error"`
	}
	junitDetail struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the results to a file. Rules that cannot be loaded are an error of a case named load.
func writeJUnit(name string, reports []fileReport) error {
	var all junitSuites
	for _, r := range reports {
		s := junitSuite{Name: r.name, Time: strconv.FormatFloat(r.took.Seconds(), 'f', 3, 64)}
		if r.problems != nil {
			s.Errors = 1
			s.Cases = []junitCase{{Name: "load", Class: r.name, File: r.name, Error: detail(r.problems.Error())}}
		}
		for _, t := range r.outcomes {
			c := junitCase{Name: t.name, Class: r.name}
			c.File, c.Line = splitPos(t.pos)
			if len(t.failures) > 0 {
				s.Failures++
				c.Failure = detail(strings.Join(t.failures, "\n"))
			}
			s.Cases = append(s.Cases, c)
		}
		s.Tests = len(s.Cases)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	if err := os.WriteFile(name, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}

// detail is a text with its first line as the message.
func detail(text string) *junitDetail {
	first, _, _ := strings.Cut(text, "\n")
	return &junitDetail{Message: first, Text: text}
}

// splitPos takes file:line:col apart.
func splitPos(pos string) (file string, line int) {
	parts := strings.Split(pos, ":")
	if len(parts) < 3 {
		return pos, 0
	}
	line, _ = strconv.Atoi(parts[len(parts)-2]) // 0, which is left out, if it is no number
	return strings.Join(parts[:len(parts)-2], ":"), line
}
