package lines

import "testing"

func TestOpenTSDB(t *testing.T) { testFile(t, "opentsdb", OpenTSDB) }

func FuzzOpenTSDB(f *testing.F) {
	recorded(f, "opentsdb")
	seeds(f, "opentsdb")
	f.Fuzz(func(t *testing.T, line []byte) { fuzzed(t, line, OpenTSDB) })
}
