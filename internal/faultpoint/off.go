//go:build !faultpoints

package faultpoint

// Enabled says whether the program was built with fault points.
const Enabled = false

// Hit marks a place.
func Hit(string) {}

// Error marks a place that can fail with an error; without the build tag it returns nil.
func Error(string) error { return nil }
