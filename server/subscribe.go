package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/query"

	"github.com/gorilla/websocket"
)

// The forms in which events go to subscribers. Subscribers of one query and form share the encoded bytes.
var (
	frames = index.Format{Name: "websocket", Append: appendEventFrame}
	sse    = index.Format{Name: "sse", Append: appendSSE}
)

// maxClientMessage bounds what a subscriber, who has nothing to say, may send in one message.
const maxClientMessage = 4 << 10

// sseKeepAlive is the time after which a stream without events gets a comment, to keep the way open.
const sseKeepAlive = 15 * time.Second

// index serves /index: the events of the index that match, then, if asked for, those that enter it.
func (h *httpListener) index(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	if websocket.IsWebSocketUpgrade(r) {
		h.toSocket(w, r, want{topic: topicIndex, query: p.Get("query"), snapshot: true, updates: p.Get("subscribe") == "true"})
		return
	}
	h.toStream(w, r, want{topic: topicIndex, query: p.Get("query"), snapshot: true, updates: true})
}

// pubsub serves /pubsub/TOPIC: the events that rules publish there. A slash at the end is not part of the topic.
func (h *httpListener) pubsub(w http.ResponseWriter, r *http.Request) {
	topic := strings.TrimSuffix(r.PathValue("topic"), "/")
	if topic == "" {
		writeError(w, http.StatusNotFound, errors.New("want /pubsub/TOPIC"))
		return
	}
	wanted := want{topic: topic, query: parameters(r).Get("query"), updates: true}
	if websocket.IsWebSocketUpgrade(r) {
		h.toSocket(w, r, wanted)
		return
	}
	h.toStream(w, r, wanted)
}

// want is what a subscriber asks for.
type want struct {
	topic             string
	query             string
	snapshot, updates bool
}

// toSocket sends events as websocket messages, one each.
func (h *httpListener) toSocket(w http.ResponseWriter, r *http.Request, wanted want) {
	q, err := query.Parse(wanted.query)
	s := h.upgrade(w, r, maxClientMessage)
	if s == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(nil)
	}()
	code, reason := websocket.CloseNormalClosure, ""
	if err == nil {
		err = h.feed(s.ctx, wanted, q, frames, s.write, 0)
	} else {
		h.server.refusals.refuse("http", "query", r.RemoteAddr, err)
	}
	var bad *query.Error
	switch {
	case err == nil:
	case isOverload(err):
		code, reason = websocket.CloseTryAgainLater, err.Error()
		h.server.refusals.refuse("http", "overloaded", r.RemoteAddr, err)
	case errors.As(err, &bad):
		code, reason = websocket.ClosePolicyViolation, bad.Short()
	case errors.Is(err, index.ErrLagged):
		code, reason = websocket.CloseTryAgainLater, err.Error()
		h.server.metrics.cut.Inc()
	case h.server.stopping():
		code, reason = websocket.CloseGoingAway, "the server shuts down"
	case errors.Is(err, context.Canceled): // the peer has gone
	default:
		code, reason = websocket.CloseTryAgainLater, err.Error()
	}
	s.finish(code, reason, done)
}

// toStream sends events as server-sent events.
func (h *httpListener) toStream(w http.ResponseWriter, r *http.Request, wanted want) {
	// Riemann's own port for these answers everyone; curl takes anything, and who says nothing does, too.
	if accept := r.Header.Get("Accept"); accept != "" && accept != "*/*" && !strings.Contains(accept, "text/event-stream") {
		writeError(w, http.StatusNotAcceptable, errors.New("want a websocket, or server-sent events with the header Accept: text/event-stream"))
		return
	}
	q, err := query.Parse(wanted.query)
	if err != nil {
		h.server.refusals.refuse("http", "query", r.RemoteAddr, err)
		writeError(w, http.StatusBadRequest, err)
		return
	}
	if err := h.server.sparesSubscribers(); err != nil {
		h.server.refusals.refuse("http", "overloaded", r.RemoteAddr, err)
		writeError(w, statusOf(w, err, http.StatusServiceUnavailable), err)
		return
	}
	control := http.NewResponseController(w)
	write := func(b []byte) error {
		control.SetWriteDeadline(time.Now().Add(socketWrite))
		if _, err := w.Write(b); err != nil {
			return err
		}
		return control.Flush()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no")
	if origin := r.Header.Get("Origin"); origin != "" { // guard lets it connect, so its page may read
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Vary", "Origin")
	}
	w.WriteHeader(http.StatusOK)
	if write(nil) != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.server.ctx, cancel)()
	err = h.feed(ctx, wanted, q, sse, write, sseKeepAlive)
	if errors.Is(err, index.ErrLagged) {
		h.server.metrics.cut.Inc()
		write([]byte("event: error\ndata: " + err.Error() + "\n\n"))
	}
}

// parameters parses the query of a URL; a part that is wrongly escaped is left out.
func parameters(r *http.Request) url.Values { return r.URL.Query() }

// appendSSE appends an event as a server-sent event.
func appendSSE(dst []byte, e *event.Event) []byte {
	dst = append(dst, "data: "...)
	dst = event.AppendJSON(dst, e)
	return append(dst, "\n\n"...)
}
