package server

import flags "flag" // a function of the package is called flag

// long runs the full size of tests that have a quick size: go test ./server -long.
var long = flags.Bool("long", false, "run the full size of every test")
