package main

import (
	"errors"
	"flag"

	"zeta/cmd/zeta/lsp"
)

var lspCommand = &command{
	name:    "lsp",
	summary: "serve editors: problems, documentation, completion",
	doc: `Speaks the language server protocol on standard input and output: problems while you type, documentation of the word
under the cursor, completion of operators, options, fields and names, the place where a name is given, an outline, and the
layout of zeta fmt. Files that are included are checked together with the file that includes them. Editors start it; how is
told in editors/README.md. Faults go to standard error. Exit status 1 means that the editor left without shutdown.`,
	flags: func(*flag.FlagSet) func(*cli, []string) error {
		return func(c *cli, _ []string) error {
			v, _, _ := version()
			err := lsp.Serve(c.in, c.out, lsp.Options{Version: v, Log: c.err})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return errFailed
			}
			return err
		}
	},
}
