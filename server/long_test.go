package server

import "flag"

// long runs the full size of tests that have a quick size: go test ./server -long.
var long = flag.Bool("long", false, "run the full size of every test")
