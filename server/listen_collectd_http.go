package server

import (
	"fmt"
	"net/http"

	"zeta/collectd"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[CollectdHTTPOptions]{
		Name:    "collectdHTTP",
		Summary: "Take what collectd's write_http sends: values as JSON or commands, and notifications.",
		Doc: "POST to any path, with Format \"JSON\" or \"COMMAND\". Events are those of listen.collectd and of collectd's write_riemann; what the sender knows beside (meta) are attributes. " +
			"write_http does not say whether it has turned counters into rates, so storeRates must be what its StoreRates is. " +
			"A notification comes as an alert that names plugin and type in one word, which types.db helps to take apart; its only instance is taken for the plugin's. " +
			"Events enter the rules while the body is read. An item that cannot be read is left out, and the answer is 400, with what was wrong and how many were taken; collectd does not send it again. " +
			"The token may come as the password of the sender's User and Password, or in its Header.",
		Defaults: CollectdHTTPOptions{TTLFactor: 2, MaxRates: 200_000, DoorOptions: doorOptions(50_000)},
		Check:    func(o CollectdHTTPOptions) error { return o.DoorOptions.check() },
		Examples: []streams.Example{
			{Title: `<Node "zeta"> URL "http://127.0.0.1:8080/" Format "JSON" </Node>`, Rule: `listen.collectdHTTP("127.0.0.1:8080");`},
			{Title: "for a network, with StoreRates true", Rule: `listen.collectdHTTP(":8080", {tls: {cert: "server.pem", key: "server.key"}, token: env("COLLECTD_TOKEN"), storeRates: true});`},
		},
	})
}

// CollectdHTTPOptions are the options of listen.collectdHTTP.
type CollectdHTTPOptions struct {
	Address    string   `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	StoreRates bool     `opt:"storeRates" doc:"the sender has StoreRates true: its counters are rates already"`
	TypesDB    []string `opt:"typesDB" doc:"files that name the data sources of types, later ones first; left out: the system's"`
	TTLFactor  float64  `opt:"ttlFactor" min:"1" max:"1000" doc:"ttl of an event in intervals"`
	Tags       []string `opt:"tags" doc:"tags of every event"`
	MaxRates   int      `opt:"maxRates" min:"1" max:"10000000" doc:"data sources remembered for their rates; the counters of others have the metric NaN until one has been silent for ten intervals"`
	DoorOptions
}

func (o CollectdHTTPOptions) open(s *Server) (listener, error) {
	types, err := collectdTypes(o.TypesDB)
	if err != nil {
		return nil, fmt.Errorf("listen.collectdHTTP(%q): %w", o.Address, err)
	}
	mux := http.NewServeMux()
	d, err := openDoor(s, "collectdHTTP", o.Address, o.DoorOptions, mux)
	if err != nil {
		return nil, err
	}
	m := &collectdBodies{types: types, rates: o.StoreRates, mapper: collectd.NewMapper(collectd.Options{Types: types, TTLFactor: o.TTLFactor, Tags: o.Tags, MaxRates: o.MaxRates})}
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if err := d.collectd(w, r, m); err != nil {
			d.refuse(w, r, err)
			return
		}
		writeBody(w, http.StatusOK, []byte("{}")) // write_http wants no other status
	})
	d.http.Handler = d.passwordAsToken(d.http.Handler)
	return d, nil
}

// passwordAsToken lets a token come as a password, whosever it is. A sender such as curl sends it only when it has
// been asked for, so that its first request is answered by the question.
func (d *bodyDoor) passwordAsToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, password, ok := r.BasicAuth(); {
		case ok:
			r.Header.Set("Authorization", "Bearer "+password)
		case (d.opts.Token != "" || d.tokens != nil) && r.Header.Get("Authorization") == "":
			arrived(w, r)
			w.Header().Set("WWW-Authenticate", `Basic realm="zeta"`)
			d.refuse(w, r, refuseRequest(http.StatusUnauthorized, "challenge", "want the token as a password, or the header Authorization: Bearer TOKEN"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
