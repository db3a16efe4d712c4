package rig

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
)

// Recorder stands between real programs and a zeta's doors and keeps every byte with its connection and direction, in
// the order it saw them.
type Recorder struct {
	mu     sync.Mutex
	pieces []Piece
	conns  int
	t      *testing.T
}

// Piece is what came at once.
type Piece struct {
	Conn   string // "udp", or "tcp" with the number of the connection
	Answer bool   // zeta said it
	Bytes  []byte
}

// NewRecorder returns a recorder that ends with the test.
func NewRecorder(t *testing.T) *Recorder { return &Recorder{t: t} }

// Add keeps a piece that did not travel through the recorder.
func (r *Recorder) Add(p Piece) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pieces = append(r.pieces, p)
}

// Pieces returns what came until now; of TCP, pieces that followed one another on a connection are as they were read.
func (r *Recorder) Pieces() []Piece {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Piece(nil), r.pieces...)
}

// Front returns an address that leads to a door of zeta, over TCP and UDP.
func (r *Recorder) Front(door string) string {
	r.t.Helper()
	addr := FreeAddr(r.t)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		l.Close()
		u.Close()
	})
	go r.accept(l, door)
	go r.datagrams(u, door)
	return addr
}

func (r *Recorder) accept(l net.Listener, door string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns++
		name := fmt.Sprintf("tcp %d", r.conns)
		r.mu.Unlock()
		go r.connection(c, name, door)
	}
}

func (r *Recorder) connection(c net.Conn, name, door string) {
	defer c.Close()
	s, err := net.Dial("tcp", door)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		r.copy(c, s, name, true)
		c.Close()
	}()
	r.copy(s, c, name, false)
	s.(*net.TCPConn).CloseWrite()
}

func (r *Recorder) copy(to, from net.Conn, name string, answer bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			r.Add(Piece{Conn: name, Answer: answer, Bytes: append([]byte(nil), buf[:n]...)})
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *Recorder) datagrams(u net.PacketConn, door string) {
	s, err := net.Dial("udp", door)
	if err != nil {
		return
	}
	defer s.Close()
	buf := make([]byte, 64<<10)
	for {
		n, _, err := u.ReadFrom(buf)
		if err != nil {
			return
		}
		r.Add(Piece{Conn: "udp", Bytes: append([]byte(nil), buf[:n]...)})
		s.Write(buf[:n])
	}
}

// Save writes a recording, unless the test has failed or the text tells the name of this machine.
func Save(t *testing.T, file, text string) {
	t.Helper()
	if t.Failed() {
		return
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if len(host) > 3 && (strings.Contains(text, host) || strings.Contains(text, fmt.Sprintf("%x", host))) {
		t.Errorf("the recording holds this machine's name %q", host)
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
