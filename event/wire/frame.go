package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// WrongProtocol is the error of a peer that does not speak Riemann's protocol: it started with
// something that is no sensible length.
type WrongProtocol struct {
	Name  string // what the peer seems to speak: "HTTP", "TLS", "SSH", "text"
	First [4]byte
}

func (e *WrongProtocol) Error() string {
	hint := "use a Riemann client"
	switch e.Name {
	case "TLS":
		hint = "this port takes plain TCP; use the TLS port, or switch TLS off in the client"
	case "HTTP":
		hint = "use the HTTP port"
	case "text":
		hint = "use the port of that protocol, such as Graphite's"
	}
	return fmt.Sprintf("wire: the peer speaks %s (it started with %q), want the Riemann protocol: %s", e.Name, e.First[:], hint)
}

// FrameError is the error of a frame over the limit.
type FrameError struct {
	Length uint32 // what the header says, in bytes
	Limit  int
	Offset int64 // where the frame starts, in bytes from the start of the connection
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("wire: frame at byte %d: %d bytes, limit %d; send fewer events in a message", e.Offset, e.Length, e.Limit)
}

// The buffer of a FrameReader starts small, for the many connections that send little, and grows to
// largeBuffer when reads fill it; beyond that only a frame that is longer still makes it grow. A buffer
// over keepBuffer is given back as soon as it is empty.
const (
	smallBuffer = 4 << 10
	largeBuffer = 256 << 10
	keepBuffer  = 1 << 20
)

// FrameReader cuts a stream of bytes into frames without copying them. It is not safe for concurrent use.
type FrameReader struct {
	r     io.Reader
	buf   []byte
	at    int   // first byte not yet returned
	end   int   // end of what has been read
	base  int64 // bytes of the stream before buf[0]
	limit int
	want  int // bytes of the frame that is not here whole yet, with its header; 0: not known
}

// NewFrameReader returns a reader of frames of at most limit bytes each.
func NewFrameReader(r io.Reader, limit int) *FrameReader {
	return &FrameReader{r: r, limit: limit}
}

// Next returns the payload of the next frame that is here whole; ok is false when there is none, and Fill
// must read on. The payload is valid until the next Fill. The error is a *FrameError or a *WrongProtocol,
// and there is no going on after it.
func (f *FrameReader) Next() (payload []byte, ok bool, err error) {
	have := f.buf[f.at:f.end]
	if len(have) < 4 {
		f.want = 0
		return nil, false, nil
	}
	n := binary.BigEndian.Uint32(have)
	if int64(n) > int64(f.limit) {
		if name := foreign([4]byte(have)); name != "" && f.base+int64(f.at) == 0 {
			return nil, false, &WrongProtocol{Name: name, First: [4]byte(have)}
		}
		return nil, false, &FrameError{Length: n, Limit: f.limit, Offset: f.base + int64(f.at)}
	}
	if len(have)-4 < int(n) {
		f.want = 4 + int(n)
		return nil, false, nil
	}
	f.at += 4 + int(n)
	return have[4 : 4+n : 4+n], true, nil
}

// Fill reads once from the connection. It returns io.EOF when the stream ended between two frames, an
// error that wraps io.ErrUnexpectedEOF when it ended inside one, and the connection's error otherwise.
// Call it when Next has returned all frames: what has not been returned is moved.
func (f *FrameReader) Fill() error {
	f.makeRoom()
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil // an error comes back with the next read
	}
	if err == nil {
		return nil
	}
	if err == io.EOF && f.Partial() > 0 {
		if f.want > 0 {
			return fmt.Errorf("wire: the connection ended %d bytes into a frame of %d: %w", f.Partial()-4, f.want-4, io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("wire: the connection ended %d bytes into the length of a frame: %w", f.Partial(), io.ErrUnexpectedEOF)
	}
	return err
}

// Partial is the number of bytes read but not yet returned by Next.
func (f *FrameReader) Partial() int { return f.end - f.at }

// makeRoom moves the rest to the front of a buffer that has room for more.
func (f *FrameReader) makeRoom() {
	rest := f.buf[f.at:f.end]
	full := f.end == len(f.buf)
	size := len(f.buf)
	switch {
	case size == 0:
		size = smallBuffer
	case full && (size < largeBuffer || len(rest) == size):
		size *= 2
	case size > keepBuffer && len(rest) == 0:
		size = largeBuffer
	}
	f.base += int64(f.at)
	to := f.buf
	if size != len(f.buf) {
		to = make([]byte, size)
	}
	f.end = copy(to, rest)
	f.at, f.buf = 0, to
}

// foreign names the protocol that a connection starting with b seems to speak; "" if none is known.
func foreign(b [4]byte) string {
	switch s := string(b[:]); s {
	case "GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "PRI ":
		return "HTTP"
	case "SSH-":
		return "SSH"
	}
	if b[0] == 0x16 && b[1] == 0x03 {
		return "TLS"
	}
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n' {
			return ""
		}
	}
	return "text"
}
