package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"zeta/event"
	"zeta/overload"
	"zeta/query"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routes are the paths of listen.http. Those of Riemann work with and without a slash at the end.
func (h *httpListener) routes() http.Handler {
	s := h.server
	mux := http.NewServeMux()
	mux.HandleFunc("GET /index", h.index)
	mux.HandleFunc("GET /index/{$}", h.index)
	mux.HandleFunc("GET /pubsub/{topic...}", h.pubsub)
	mux.HandleFunc("/events", h.events)
	mux.HandleFunc("/events/{$}", h.events)

	mux.HandleFunc("POST /api/v1/events", h.postEvents)
	mux.HandleFunc("GET /api/v1/query", h.getQuery)
	mux.HandleFunc("GET /api/v1/series", h.getSeries)
	mux.HandleFunc("GET /api/v1/stats", h.getStats)
	mux.HandleFunc("GET /api/v1/rules", h.getRules)
	mux.HandleFunc("POST /api/v1/reload", h.owners(h.postReload))
	mux.HandleFunc("GET /api/v1/live", h.live)
	h.letterRoutes(mux)
	h.silenceRoutes(mux)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, errors.New("no such path or method: "+r.Method+" "+r.URL.Path))
	})

	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", h.health)
	mux.HandleFunc("GET /readyz", h.ready)
	if s.opts.Dashboard != nil {
		mux.Handle("/", s.opts.Dashboard)
	}
	return mux
}

// health answers that the process lives: it does when it can take the engine's lock.
func (h *httpListener) health(w http.ResponseWriter, _ *http.Request) {
	h.server.Alive()
	w.Write([]byte("ok\n"))
}

// ready answers whether every listener is open, the rules are loaded, the disk takes what has to be kept, and
// memory suffices for all that comes.
func (h *httpListener) ready(w http.ResponseWriter, _ *http.Request) {
	if h.server.stopping() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	if why := h.server.opts.Store.degraded(); why != "" {
		http.Error(w, "degraded: events are evaluated, but not kept: "+why, http.StatusServiceUnavailable)
		return
	}
	if err := h.server.overloaded(overload.Shedding, "events are shed"); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if why := h.server.mute(time.Now()); why != "" {
		http.Error(w, "no alert leaves: "+why, http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}

// getQuery answers the events of the index that match a query.
func (h *httpListener) getQuery(w http.ResponseWriter, r *http.Request) {
	out := append(make([]byte, 0, 4<<10), `{"events":[`...)
	count := 0
	err := h.server.scan(r.URL.Query().Get("q"), func(batch []event.Event) error {
		for i := range batch {
			out = comma(out, count > 0)
			out = event.AppendJSON(out, &batch[i])
			count++
		}
		if len(out) > maxReply {
			return errReplyTooLarge
		}
		return nil
	})
	if err != nil {
		h.server.refusals.refuse("http", reasonOf(err, "query"), r.RemoteAddr, err)
		writeError(w, statusOf(w, err, http.StatusBadRequest), err)
		return
	}
	out = append(out, `],"count":`...)
	out = appendInt(out, int64(count))
	out = append(out, '}')
	writeBody(w, http.StatusOK, out)
}

// getSeries answers the history of one series, for a chart.
func (h *httpListener) getSeries(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !q.Has("service") {
		writeError(w, http.StatusBadRequest, errors.New("want ?host=HOST&service=SERVICE"))
		return
	}
	has := event.HasService
	if q.Has("host") {
		has |= event.HasHost
	}
	writeBody(w, http.StatusOK, h.server.history.appendJSON(nil, q.Get("host"), q.Get("service"), has))
}

// getStats answers figures for people.
func (h *httpListener) getStats(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.server.Stats())
}

// getRules answers which rules run and what is wrong with them.
func (h *httpListener) getRules(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.server.Rules())
}

// errorBody is the answer of the API to what it refuses.
type errorBody struct {
	Error  string `json:"error"`
	Offset *int   `json:"offset,omitempty"` // in bytes, of a query
}

func errorOf(err error) errorBody {
	body := errorBody{Error: err.Error()}
	var bad *query.Error
	if errors.As(err, &bad) {
		body.Offset = &bad.Offset
	}
	return body
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, errorOf(err))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, status = []byte(`{"error":"the answer cannot be written as JSON"}`), http.StatusInternalServerError
	}
	writeBody(w, status, b)
}

// writeBody writes a whole JSON answer; a client that does not read it is given up.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // an error means no deadlines here
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}
