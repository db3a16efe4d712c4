package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// queryLoad is a query that is asked again and again.
type queryLoad struct {
	Addr  string
	Query string
	Times int
	Every time.Duration // between two beginnings; 0: at once
	PID   int
}

// queryResult is what that cost.
type queryResult struct {
	RoundTrip float64 // ms, median
	CPU       float64 // of the server, ms a query
	Events    int     // in an answer
}

func (q *queryLoad) run() (*queryResult, error) {
	conn, err := net.Dial("tcp", q.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Minute))
	message, err := pb.Marshal(&proto.Msg{Query: &proto.Query{String_: &q.Query}})
	if err != nil {
		return nil, err
	}
	message = append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	in := bufio.NewReaderSize(conn, 1<<20)
	var took []float64
	var answer []byte
	cpu := cpuOf(q.PID)
	for range q.Times {
		began := time.Now()
		if _, err := conn.Write(message); err != nil {
			return nil, err
		}
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return nil, err
		}
		answer = slices.Grow(answer[:0], int(binary.BigEndian.Uint32(size[:])))[:binary.BigEndian.Uint32(size[:])]
		if _, err := io.ReadFull(in, answer); err != nil {
			return nil, err
		}
		took = append(took, ms(time.Since(began)))
		time.Sleep(q.Every - time.Since(began))
	}
	cpu = cpuOf(q.PID) - cpu
	var m proto.Msg
	if err := pb.Unmarshal(answer, &m); err != nil {
		return nil, err
	}
	if !m.GetOk() {
		return nil, errors.New(m.GetError())
	}
	slices.Sort(took)
	return &queryResult{took[len(took)/2], ms(cpu) / float64(q.Times), len(m.Events)}, nil
}

// subscribers are websockets that read what the index publishes.
type subscribers struct {
	URL     string // of the server
	Count   int
	Queries []string // each gets an equal part of them
}

// subscribed is what they got.
type subscribed struct {
	Frames uint64
	Cut    int // connections that the server closed
}

// run subscribes, says so, and reads until its input ends.
func (s *subscribers) run(until io.Reader) (*subscribed, error) {
	var frames atomic.Uint64
	var cut atomic.Int64
	var readers sync.WaitGroup
	var conns []net.Conn
	for i := range s.Count {
		u := s.URL + "/index?subscribe=true&query=" + url.QueryEscape(s.Queries[i%len(s.Queries)])
		ws, _, err := websocket.DefaultDialer.Dial(u, nil)
		if err != nil {
			return nil, fmt.Errorf("subscriber %d: %w", i, err)
		}
		conn := ws.NetConn()
		conns = append(conns, conn)
		readers.Go(func() {
			if err := readFrames(conn, &frames); !errors.Is(err, net.ErrClosed) {
				cut.Add(1)
			}
		})
	}
	fmt.Println("ready")
	io.Copy(io.Discard, until)
	time.Sleep(200 * time.Millisecond) // what is under way
	result := &subscribed{Frames: frames.Load(), Cut: int(cut.Load())}
	for _, c := range conns {
		c.Close()
	}
	readers.Wait()
	return result, nil
}

// readFrames counts a server's frames by their headers.
func readFrames(r io.Reader, frames *atomic.Uint64) error {
	buf := make([]byte, 32<<10)
	skip, have := 0, 0 // bytes of the present frame still to come; bytes in buf
	for {
		n, err := r.Read(buf[have:])
		if err != nil {
			return err
		}
		b := buf[:have+n]
		got := uint64(0)
		for {
			if skip >= len(b) {
				skip -= len(b)
				b = nil
				break
			}
			b = b[skip:]
			skip = 0
			size, head, ok := frameSize(b)
			if !ok {
				break
			}
			skip = head + size
			got++
		}
		frames.Add(got)
		have = copy(buf, b)
	}
}

// frameSize reads a frame's header; not ok: it is not here whole.
func frameSize(b []byte) (size, head int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch n := int(b[1] & 0x7f); n {
	case 126:
		if len(b) < 4 {
			return 0, 0, false
		}
		return int(binary.BigEndian.Uint16(b[2:])), 4, true
	case 127:
		if len(b) < 10 {
			return 0, 0, false
		}
		return int(binary.BigEndian.Uint64(b[2:])), 10, true
	default:
		return n, 2, true
	}
}

// idlers are connections that send nothing.
type idlers struct {
	Addr  string
	Count int
}

// run connects, says so, and holds the connections until its input ends.
func (i *idlers) run(until io.Reader) (*struct{}, error) {
	for n := range i.Count {
		conn, err := net.DialTimeout("tcp", i.Addr, 10*time.Second)
		if err != nil {
			return nil, fmt.Errorf("idle connection %d: %w", n, err)
		}
		defer conn.Close()
	}
	fmt.Println("ready")
	io.Copy(io.Discard, until)
	return &struct{}{}, nil
}
