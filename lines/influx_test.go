package lines

import "testing"

func TestInflux(t *testing.T) {
	testFile(t, "influx", (&Influx{}).Parse)
	testFile(t, "influx_seconds", (&Influx{Precision: 1e9}).Parse)
}

func FuzzInflux(f *testing.F) {
	seeds(f, "influx")
	f.Fuzz(func(t *testing.T, line []byte) {
		fuzzed(t, line, (&Influx{}).Parse)
		fuzzed(t, line, (&Influx{Precision: 1e9}).Parse)
	})
}
