// Package brokers holds the listeners that fetch events from message brokers: listen.nats, listen.kafka and
// listen.rabbitmq. It is apart from package server for its dependencies; a program that wants them imports it.
//
// Vocabulary: a broker is the server that zeta connects to, a message what it hands over, a payload the
// message's body; an inbox turns payloads into batches.
//
//	import _ "zeta/brokers"
//
//	listen.kafka("127.0.0.1:9092", {topics: ["events"]});
//
// Guarantees:
//   - A broker that is away is no error: zeta starts, and tries again and again, with pauses that grow to
//     half a minute. The gauge zeta_server_connections says whether it is there.
//   - Where the broker keeps messages, they are acknowledged after their events have run through the rules and are on
//     zeta's disk, if it has a data directory: what zeta was given and did not get to is delivered again, so that
//     events may come twice. While the disk fails nothing is acknowledged.
//   - A message that cannot be read is counted, logged and acknowledged like the others: it would not get
//     better, and would hold up those behind it.
//   - What waits in zeta is bounded in messages and in bytes.
package brokers

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"zeta/streams"
	"zeta/tls"
)

// TLSOptions say how to speak TLS to a broker.
type TLSOptions struct {
	CA         string `opt:"ca" doc:"file of the authorities that sign the broker's certificate; left out: the system's"`
	Cert       string `opt:"cert" doc:"file of zeta's own certificate, for brokers that want one"`
	Key        string `opt:"key" doc:"file of the private key of cert"`
	ServerName string `opt:"serverName" doc:"name that the broker's certificate must have; left out: the host that is dialled"`
}

// config loads the files of o; nil for nil.
func (o *TLSOptions) config() (*tls.Config, error) {
	if o == nil {
		return nil, nil
	}
	return tls.NewClient(tls.ClientFiles{CA: o.CA, Cert: o.Cert, Key: o.Key, ServerName: o.ServerName})
}

// checkTLS finds what does not go together among the options of tls.
func checkTLS(o *TLSOptions) error {
	if o != nil && (o.Cert == "") != (o.Key == "") {
		return errors.New("tls: cert and key go together")
	}
	return nil
}

// checkLogin finds a user without a password, or the other way round.
func checkLogin(user string, password streams.Secret) error {
	if (user == "") != (password == "") {
		return errors.New("user and password go together")
	}
	return nil
}

// address is a broker's address as a net.Addr, without secrets.
type address struct{ network, text string }

// Network implements net.Addr.
func (a address) Network() string { return a.network }

// String implements net.Addr.
func (a address) String() string { return a.text }

// shown returns the broker's addresses without the passwords that may stand in them.
func shown(network, urls string) address {
	texts := strings.Split(urls, ",")
	for i, text := range texts {
		texts[i] = strings.TrimSpace(text)
		if u, err := url.Parse(texts[i]); err == nil && u.Host != "" {
			u.User, u.RawQuery = nil, ""
			texts[i] = u.String()
		} else if _, host, ok := strings.Cut(texts[i], "@"); ok {
			texts[i] = host
		}
	}
	return address{network, strings.Join(texts, ",")}
}

// pauses are the waits between attempts to reach a broker.
type pauses struct{ last time.Duration }

const (
	firstPause = 250 * time.Millisecond
	mostPause  = 30 * time.Second
)

// wait pauses, twice as long as the time before; false if ctx is done.
func (p *pauses) wait(ctx context.Context) bool {
	p.last = min(max(2*p.last, firstPause), mostPause)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(p.last):
		return true
	}
}

// reset begins anew after a success.
func (p *pauses) reset() { p.last = 0 }
