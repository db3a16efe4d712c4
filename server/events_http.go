package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"zeta/event"
	"zeta/query"

	"github.com/gorilla/websocket"
)

const (
	bodyStall     = 30 * time.Second // a request whose body stops for so long is ended
	eventsPerRun  = 500              // lines that enter the engine as one batch
	lineBufferLen = 64 << 10
)

// events takes events as JSON: by PUT or POST one a line, each answered by a line {} or {"error": …}; over
// a websocket one a message, each answered by such a message.
func (h *httpListener) events(w http.ResponseWriter, r *http.Request) {
	switch {
	case websocket.IsWebSocketUpgrade(r):
		h.eventSocket(w, r)
	case r.Method == http.MethodPut || r.Method == http.MethodPost:
		if h.mayPost(w, r) {
			h.eventLines(w, r)
		}
	default:
		w.Header().Set("Allow", "PUT, POST")
		writeError(w, http.StatusMethodNotAllowed, errors.New("want PUT or POST with one JSON event a line, or a websocket"))
	}
}

// eventLines streams: lines that are here enter the engine while later ones are still under way.
func (h *httpListener) eventLines(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.EnableFullDuplex() // HTTP/2 is so already and says no
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	in := bufio.NewReaderSize(http.MaxBytesReader(w, r.Body, int64(h.opts.MaxBody)), lineBufferLen)
	run := lineRun{h: h, remote: r.RemoteAddr, peer: peerOfRequest(r), quit: r.Context().Done()}
	for line := 1; ; line++ {
		// Before waiting for the network, what is here goes in and its answers go out.
		if len(run.events) >= eventsPerRun || !hasLine(in) {
			run.flush()
			run.slow()
			if len(run.out) >= maxUnanswered {
				control.SetWriteDeadline(time.Now().Add(writeTimeout))
				if _, err := w.Write(run.out); err != nil {
					return
				}
				run.out = run.out[:0]
			}
			control.SetReadDeadline(time.Now().Add(bodyStall))
		}
		text, err := readLine(in)
		if err == nil || len(text) > 0 {
			run.take(text, line)
		}
		if err == io.EOF {
			break
		}
		if errors.Is(err, bufio.ErrTooLong) {
			run.refuse(line, fmt.Errorf("the line has more than %d bytes", event.MaxJSONBytes))
		} else if err != nil {
			run.refuse(line, err)
			break
		}
	}
	run.flush()
	h.toll.pay(run.peer, run.lines, time.Now())
	control.SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Write(run.out)
}

// lineRun collects lines until they enter the engine as one batch; answers are in the order of the lines.
type lineRun struct {
	h      *httpListener
	remote string
	peer   netip.Addr
	quit   <-chan struct{} // closed when nobody waits any more
	lines  int             // to pay for
	events []event.Event
	out    []byte
	from   int // where in out the answers for events begin: they are not true yet
}

// take parses one line.
func (b *lineRun) take(text []byte, line int) {
	b.lines++
	e, err := event.ParseJSON(text)
	if len(bytes.TrimSpace(text)) == 0 {
		err = errors.New("an empty line, want a JSON object")
	}
	if err != nil {
		b.refuse(line, err)
		return
	}
	if len(b.events) == 0 {
		b.from = len(b.out)
	}
	b.events = append(b.events, e)
	b.out = append(b.out, yes...)
}

// yes is the answer to a line whose event was taken.
var yes = []byte("{}\n")

func (b *lineRun) refuse(line int, err error) {
	reason, err := unread(err)
	b.h.server.refusals.refuse("http", reason, b.remote, fmt.Errorf("line %d: %w", line, err))
	b.out = appendErrorJSON(b.out, err)
	b.out = append(b.out, '\n')
}

// unread says why JSON could not be had: it is none, or did not come in time.
func unread(err error) (reason string, _ error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "slow", fmt.Errorf("the next event did not arrive within %s", bodyStall)
	}
	return "json", err
}

// slow waits where the peer sends faster than it may.
func (b *lineRun) slow() {
	if slept := b.h.toll.hold(b.quit, b.peer, b.lines); slept > 0 {
		b.h.server.metrics.throttled("http", slept)
	}
	b.lines = 0
}

func (b *lineRun) flush() {
	if len(b.events) == 0 {
		return
	}
	if err := b.h.server.engine.IngestSafe(context.Background(), b.events); err != nil {
		b.h.server.untaken("http", b.remote, err)
		no := append(appendErrorJSON(nil, err), '\n')
		b.out = append(b.out[:b.from], bytes.ReplaceAll(b.out[b.from:], yes, no)...)
	}
	clear(b.events)
	b.events = b.events[:0]
}

// mayPost answers 429 to a peer that has sent more events than it may, 503 while memory is scarce, and 415 to a body
// that is compressed.
func (h *httpListener) mayPost(w http.ResponseWriter, r *http.Request) bool {
	if err := h.server.sparesRequests(); err != nil {
		h.server.refusals.refuse("http", "overloaded", r.RemoteAddr, err)
		writeError(w, statusOf(w, err, http.StatusServiceUnavailable), err)
		return false
	}
	var err *doorError
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		err = refuseRequest(http.StatusUnsupportedMediaType, "encoding", "Content-Encoding is %.40q; want none", encoding)
	} else if wait, option := h.toll.due(peerOfRequest(r), time.Now()); wait > 0 {
		err = tooFast(w, wait, option)
	} else {
		return true
	}
	h.server.refusals.refuse("http", err.reason, r.RemoteAddr, err)
	writeError(w, err.status, err)
	return false
}

// hasLine reports whether a whole line can be read without waiting.
func hasLine(in *bufio.Reader) bool {
	b, _ := in.Peek(in.Buffered()) // never more than there is
	return bytes.IndexByte(b, '\n') >= 0
}

// readLine reads up to the end of a line, which it cuts off. A line that is too long is skipped whole and
// gives bufio.ErrTooLong. The bytes are valid until the next call.
func readLine(in *bufio.Reader) ([]byte, error) {
	part, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return bytes.TrimRight(part, "\r\n"), err
	}
	line := bytes.Clone(part)
	for err == bufio.ErrBufferFull {
		part, err = in.ReadSlice('\n')
		if len(line) <= event.MaxJSONBytes {
			line = append(line, part...)
		}
	}
	if len(line) > event.MaxJSONBytes+2 {
		return nil, bufio.ErrTooLong // the end, or another error, comes with the next read
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// postEvents takes an array of events, or lines of events, and answers once for all of them.
func (h *httpListener) postEvents(w http.ResponseWriter, r *http.Request) {
	type itemError struct {
		Index int    `json:"index"`
		Error string `json:"error"`
	}
	answer := struct {
		Accepted int         `json:"accepted"`
		Errors   []itemError `json:"errors"`
	}{Errors: []itemError{}}
	if !h.mayPost(w, r) {
		return
	}
	items := newItems(http.MaxBytesReader(w, r.Body, int64(h.opts.MaxBody)))
	defer func() { h.toll.pay(peerOfRequest(r), max(1, items.n), time.Now()) }()
	var batch []event.Event
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		answer.Accepted += len(batch)
		err := h.server.engine.IngestSafe(r.Context(), batch)
		if err != nil {
			h.server.untaken("http", r.RemoteAddr, err)
		}
		batch = batch[:0]
		return err
	}
	control := http.NewResponseController(w)
	for i := 0; ; i++ {
		if len(batch) == 0 {
			control.SetReadDeadline(time.Now().Add(bodyStall))
		}
		raw, err := items.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			flush()
			reason, err := unread(err)
			h.server.refusals.refuse("http", reason, r.RemoteAddr, err)
			writeError(w, http.StatusBadRequest, fmt.Errorf("item %d: %w; the %d events before it were taken", i, err, answer.Accepted))
			return
		}
		e, err := event.ParseJSON(raw)
		if err != nil {
			h.server.refusals.refuse("http", "json", r.RemoteAddr, err)
			if len(answer.Errors) < maxItemErrors {
				answer.Errors = append(answer.Errors, itemError{i, err.Error()})
			}
			continue
		}
		if batch = append(batch, e); len(batch) >= eventsPerRun {
			if err := flush(); err != nil {
				writeError(w, statusOf(w, err, http.StatusInternalServerError), err)
				return
			}
		}
	}
	if err := flush(); err != nil {
		writeError(w, statusOf(w, err, http.StatusInternalServerError), err)
		return
	}
	status := http.StatusOK
	if answer.Accepted == 0 && len(answer.Errors) > 0 {
		status = http.StatusBadRequest
	}
	writeJSON(w, status, answer)
}

// maxItemErrors bounds the errors listed in one answer; the others are counted like them.
const maxItemErrors = 1000

// items reads JSON values that follow one another or stand in one array.
type items struct {
	d     *json.Decoder
	array bool
	first bool
	body  *bufio.Reader
	n     int // of those that were read
}

func newItems(r io.Reader) *items {
	body := bufio.NewReaderSize(r, lineBufferLen)
	return &items{d: json.NewDecoder(body), body: body, first: true}
}

func (it *items) next() (json.RawMessage, error) {
	if it.first {
		it.first = false
		for {
			c, err := it.body.ReadByte()
			if err != nil {
				return nil, err
			}
			if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
				continue
			}
			it.body.UnreadByte()
			it.array = c == '['
			break
		}
		if it.array {
			if _, err := it.d.Token(); err != nil {
				return nil, err
			}
		}
	}
	if it.array && !it.d.More() {
		if _, err := it.d.Token(); err != nil { // the bracket at the end, or what is wrong
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		return nil, io.EOF
	}
	var raw json.RawMessage
	if err := it.d.Decode(&raw); err != nil {
		if it.array && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	it.n++
	return raw, nil
}

// appendErrorJSON appends {"error": …}, for a query with the offset of what is wrong.
func appendErrorJSON(dst []byte, err error) []byte {
	text, merr := json.Marshal(err.Error())
	if merr != nil {
		text = []byte(`"error"`)
	}
	dst = append(dst, `{"error":`...)
	dst = append(dst, text...)
	var bad *query.Error
	if errors.As(err, &bad) {
		dst = append(dst, `,"offset":`...)
		dst = appendInt(dst, int64(bad.Offset))
	}
	return append(dst, '}')
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
