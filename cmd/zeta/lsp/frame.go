package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The bounds of what an editor may send.
const (
	maxHeaderBytes  = 4 << 10
	maxMessageBytes = 16 << 20
)

// errTooLong says that a message was skipped because of its size.
var errTooLong = fmt.Errorf("a message longer than %d bytes", maxMessageBytes)

// reader takes frames apart: header lines, an empty line, and as many bytes as Content-Length says.
type reader struct{ in *bufio.Reader }

func newReader(in io.Reader) *reader { return &reader{bufio.NewReaderSize(in, maxHeaderBytes)} }

// next returns the next message. What is no frame is skipped up to the next header; errTooLong stands for a
// message that was skipped, any other error ends the input.
func (r *reader) next() ([]byte, error) {
	for {
		size, err := r.header()
		switch {
		case err != nil:
			return nil, err
		case size < 0:
			continue
		case size > maxMessageBytes:
			if _, err := io.CopyN(io.Discard, r.in, size); err != nil {
				return nil, err
			}
			return nil, errTooLong
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(r.in, message); err != nil {
			return nil, err
		}
		return message, nil
	}
}

// header reads header lines up to the empty one and returns the length they give, -1 if none.
func (r *reader) header() (size int64, err error) {
	size = -1
	for {
		line, err := r.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // no header is that long
		}
		if err != nil {
			return -1, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			return size, nil
		}
		name, value, _ := strings.Cut(text, ":")
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && n >= 0 {
			size = n
		}
	}
}

// writeFrame writes one message.
func writeFrame(w io.Writer, message []byte) error {
	_, err := fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(message), message)
	return err
}
