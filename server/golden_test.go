package server

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordedExchanges replays what real clients sent, frame by frame, and compares every byte of the answers.
// A file holds "> bytes" sent, "< bytes" expected, in hexadecimal, blanks for the reader.
func TestRecordedExchanges(t *testing.T) {
	files, err := filepath.Glob("testdata/riemann/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := serve(t, DefaultRules).dial("tcp")
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if line == "" || line[0] == '#' {
					continue
				}
				b, err := hex.DecodeString(strings.ReplaceAll(line[1:], " ", ""))
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				switch line[0] {
				case '>':
					if _, err := c.Write(b); err != nil {
						t.Fatal(err)
					}
				case '<':
					got := make([]byte, len(b))
					if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, b) {
						t.Fatalf("got  %x %v\nwant %x", got[:n], err, b)
					}
				default:
					t.Fatalf("line %q: want > or <", line)
				}
			}
		})
	}
}
