package server

import (
	"errors"
	"net/http"

	"zeta/streams"
)

// postReload loads the rules again; with ?plan=true it says what that would do. Whoever can ask for it can read
// positions and identities in the rules, and have them read again: that is for owners.
func (h *httpListener) postReload(w http.ResponseWriter, r *http.Request) {
	reload := h.server.Reload
	switch plan := r.URL.Query().Get("plan"); plan {
	case "true":
		reload = h.server.PlanReload
	case "", "false":
	default:
		writeError(w, http.StatusBadRequest, errors.New("plan: want true or false"))
		return
	}
	result, err := reload()
	if err == nil {
		writeJSON(w, http.StatusOK, result)
		return
	}
	body := reloadErrorBody{Error: err.Error(), Problems: []string{}}
	var problems streams.Problems
	if errors.As(err, &problems) {
		body.Problems = problemTexts(problems)
	}
	status := http.StatusUnprocessableEntity
	if errors.Is(err, errStopping) {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, body)
}

// reloadErrorBody is the answer when the rules are refused. The rules before go on.
type reloadErrorBody struct {
	Error    string   `json:"error"`
	Problems []string `json:"problems"` // each with its place; empty where something else failed
}
