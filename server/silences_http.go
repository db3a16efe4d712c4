package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"zeta/event"
	"zeta/query"
)

// silenceRoutes are the paths about silences. Whoever ends an alert's way must be an owner.
func (h *httpListener) silenceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/silences", h.getSilences)
	mux.HandleFunc("POST /api/v1/silences", h.owners(h.postSilence))
	mux.HandleFunc("DELETE /api/v1/silences/{id}", h.owners(h.deleteSilence))
}

func (h *httpListener) getSilences(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"silences": h.server.engine.Silences()})
}

// wantedSilence is the body of a request for a silence.
type wantedSilence struct {
	Query   string `json:"query"`
	For     string `json:"for"` // "2h", as in rules
	By      string `json:"by"`
	Comment string `json:"comment"`
}

// postSilence begins a silence and answers it, with how many events of the index it matches now.
func (h *httpListener) postSilence(w http.ResponseWriter, r *http.Request) {
	var want wantedSilence
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	in.DisallowUnknownFields()
	if err := in.Decode(&want); err != nil {
		writeError(w, http.StatusBadRequest, fmt.Errorf(`want {"query": "host = \"web1\"", "for": "2h"}, with by and comment if you like: %w`, err))
		return
	}
	lasts, err := time.ParseDuration(want.For)
	if err != nil {
		writeError(w, http.StatusBadRequest, fmt.Errorf("for: %q is no duration; want one like 30m, 2h or 72h", want.For))
		return
	}
	matches := 0
	err = h.server.scan(want.Query, func(batch []event.Event) error { matches += len(batch); return nil })
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	v, err := h.server.engine.Silence(r.Context(), Silence{Query: want.Query, By: want.By, Comment: want.Comment}, lasts)
	if err != nil {
		writeError(w, silenceStatus(err), err)
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		Silence
		Matches int `json:"matches"`
	}{v, matches})
}

func (h *httpListener) deleteSilence(w http.ResponseWriter, r *http.Request) {
	v, err := h.server.engine.EndSilence(r.Context(), r.PathValue("id"))
	if err != nil {
		writeError(w, silenceStatus(err), err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// silenceStatus tells a request that is wrong from a disk that is.
func silenceStatus(err error) int {
	var bad *query.Error
	switch {
	case errors.Is(err, errNoSilence):
		return http.StatusNotFound
	case errors.As(err, &bad), errors.Is(err, errSilence):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
