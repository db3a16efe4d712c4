package server

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

// recorded returns what real programs have sent to a door, piece by piece, out of gzip.
func recorded(tb testing.TB, door string) (pieces [][]byte) {
	tb.Helper()
	text, err := os.ReadFile("testdata/doors/" + door + ".txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !ok {
			continue
		}
		var piece []byte
		if strings.HasPrefix(line, `"`) {
			s, uerr := strconv.Unquote(line)
			piece, err = []byte(s), uerr
		} else {
			piece, err = hex.DecodeString(line)
		}
		if err != nil {
			tb.Fatalf("%s: %.80s: %v", door, line, err)
		}
		if z, err := gzip.NewReader(bytes.NewReader(piece)); err == nil {
			if piece, err = io.ReadAll(z); err != nil {
				tb.Fatal(err)
			}
		}
		if !bytes.HasPrefix(piece, []byte("POST ")) {
			pieces = append(pieces, piece)
		}
	}
	if len(pieces) == 0 {
		tb.Fatalf("%s holds nothing that was sent", door)
	}
	return pieces
}
