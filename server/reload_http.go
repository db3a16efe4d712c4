package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"

	"zeta/streams"
)

// crossSite refuses what a web page of another origin, be it on this very host, has a browser send.
var crossSite = http.NewCrossOriginProtection()

// postReload loads the rules again; with ?plan=true it says what that would do. Whoever can ask for it can read
// positions and identities in the rules, and have them read again: that is for people on this machine only.
func (h *httpListener) postReload(w http.ResponseWriter, r *http.Request) {
	if err := onThisMachine(r); err != nil {
		h.server.refusals.refuse("http", "reload", r.RemoteAddr, err)
		writeError(w, http.StatusForbidden, err)
		return
	}
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

// onThisMachine refuses requests that come from elsewhere, through a proxy on this machine too, or that a page
// in a browser makes.
func onThisMachine(r *http.Request) error {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return errors.New("a reload can be asked for on this machine only")
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return errors.New("a reload can be asked for on this machine only, over loopback; elsewhere, send SIGHUP to the process or change the file")
	}
	for _, forwarded := range [...]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(forwarded) != "" {
			return errors.New("a reload cannot be asked for through a proxy")
		}
	}
	return crossSite.Check(r)
}
