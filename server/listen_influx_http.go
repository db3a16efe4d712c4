package server

import (
	"net/http"
	"strings"
	"time"

	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[InfluxHTTPOptions]{
		Name:    "influxHTTP",
		Summary: "Take InfluxDB's line protocol over HTTP, as InfluxDB 1 and 2 do.",
		Doc: "POST to /write (1.x: precision ns, us, ms, s, m or h) or /api/v2/write (2.x and 3.x: precision ns, us, ms or s), gzip or not; a line becomes events as with listen.influx. db, rp, bucket, org and consistency are ignored. " +
			"Events enter the rules while the body is read. What can be read is taken and answered 204; if a line cannot be read, the others are taken all the same, and the answer is 400 with a message that begins with \"partial write: unable to parse\", says line and column, and how many events were taken, so that senders do not send it again; so it is with the lines behind maxEvents events. " +
			"/ping and /health answer as InfluxDB does, without a token; of InfluxQL, /query takes CREATE DATABASE, which senders of 1.x begin with, and does nothing. " +
			"The token may come as Authorization: Token TOKEN or Bearer TOKEN, or as the password of 1.x (Basic, or p in the query); the user does not matter. " +
			"host is the tag host, else the sender's address.",
		Defaults: InfluxHTTPOptions{DoorOptions: doorOptions(200_000)},
		Check:    func(o InfluxHTTPOptions) error { return o.DoorOptions.check() },
		Examples: []streams.Example{
			{Title: "for Telegraf on this machine", Rule: `listen.influxHTTP("127.0.0.1:8086");`},
			{Title: "for a network, with a token", Rule: `listen.influxHTTP(":8086", {tls: {cert: "server.pem", key: "server.key"}, token: env("INFLUX_TOKEN")});`},
		},
	})
}

// InfluxHTTPOptions are the options of listen.influxHTTP.
type InfluxHTTPOptions struct {
	Address string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	TTL     time.Duration `opt:"ttl" doc:"the events' ttl; 0: none"`
	DoorOptions
}

// influxVersion is what senders are told, some of which read it as a version of InfluxDB.
const influxVersion = "1.8.0-zeta"

func (o InfluxHTTPOptions) open(s *Server) (listener, error) {
	mux := http.NewServeMux()
	d, err := openDoor(s, "influxHTTP", o.Address, o.DoorOptions, mux)
	if err != nil {
		return nil, err
	}
	for path, units := range map[string]map[string]int64{"POST /write": influxUnits1, "POST /api/v2/write": influxUnits} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { d.influx(w, r, units, o.TTL.Seconds()) })
	}
	mux.HandleFunc("/query", d.influxQuery)
	d.http.Handler = influxFront(d.http.Handler)
	return d, nil
}

// influxFront answers probes, which need no token, and brings the token of the others into one form.
func influxFront(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived(w, r)
		w.Header().Set("X-Influxdb-Version", influxVersion)
		switch r.URL.Path {
		case "/ping":
			w.WriteHeader(http.StatusNoContent)
			return
		case "/health":
			writeBody(w, http.StatusOK, []byte(`{"name":"zeta","message":"ready for writes","status":"pass","checks":[],"version":"`+influxVersion+`"}`))
			return
		}
		if token := influxToken(r); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		next.ServeHTTP(w, r)
	})
}

// influxToken returns the token that a request has in one of InfluxDB's ways, "" for none of them.
func influxToken(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if token, ok := strings.CutPrefix(header, "Token "); ok {
		if _, password, ok := strings.Cut(token, ":"); ok {
			return password // 1.x: Token USER:PASSWORD
		}
		return token
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	if header == "" {
		return r.URL.Query().Get("p")
	}
	return ""
}
