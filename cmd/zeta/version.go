package main

import (
	"flag"
	"fmt"
	"runtime/debug"
)

var versionCommand = &command{
	name:    "version",
	summary: "print the version",
	doc:     "Prints the version, the commit it was built from, and the version of Go.",
	flags: func(*flag.FlagSet) func(*cli, []string) error {
		return func(c *cli, _ []string) error {
			v, commit, goVersion := version()
			fmt.Fprintf(c.out, "zeta %s (commit %s, %s)\n", v, commit, goVersion)
			return nil
		}
	},
}

// version reads what the Go linker noted in the binary.
func version() (v, commit, goVersion string) {
	v, commit = "development", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, commit, "unknown Go"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value[:min(len(s.Value), 12)]
		}
	}
	return v, commit, info.GoVersion
}
