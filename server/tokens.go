package server

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// right is what a request needs.
type right uint8

const (
	mayAll   right = 0         // whoever reaches the address
	maySend  right = 1 << iota // events
	mayQuery                   // the index, subscriptions, figures, the state of rules and sinks
	mayAdmin                   // reload, silences, dead letters; it includes the others
)

var rightNames = map[string]right{"send": maySend, "query": mayQuery, "admin": mayAdmin | maySend | mayQuery}

// token is one line of a token file.
type token struct {
	hash   [sha256.Size]byte
	name   string
	rights right
}

// tokens are those of a file, which is read again when it has changed. Safe for concurrent use; a nil *tokens
// asks for none.
type tokens struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	all    []token
	looked time.Time // at the file
	size   int64
	mod    time.Time
}

const (
	maxTokens    = 10_000
	maxTokenFile = 4 << 20         // bytes
	tokenCheck   = 2 * time.Second // between two looks at the file
)

// openTokens reads a file; "" gives nil.
func openTokens(path string, log *slog.Logger) (*tokens, error) {
	if path == "" {
		return nil, nil
	}
	t := &tokens{path: path, log: log}
	if err := t.read(time.Now()); err != nil {
		return nil, err
	}
	return t, nil
}

// read reads the file if it is another one than before. After an error the tokens before stay.
func (t *tokens) read(now time.Time) error {
	t.looked = now
	info, err := os.Stat(t.path)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	if info.Size() == t.size && info.ModTime().Equal(t.mod) && t.all != nil {
		return nil
	}
	if info.Size() > maxTokenFile || !info.Mode().IsRegular() {
		return fmt.Errorf("tokens: %s is no file of at most %d bytes", t.path, maxTokenFile)
	}
	text, err := os.ReadFile(t.path)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	t.size, t.mod = info.Size(), info.ModTime()
	all, err := parseTokens(text)
	if err != nil {
		return fmt.Errorf("tokens: %s:%w", t.path, err)
	}
	t.all = all
	return nil
}

// parseTokens reads lines of a SHA-256, a name and rights with commas between. The error begins with the line.
func parseTokens(text []byte) ([]token, error) {
	all := []token{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		const want = "want the SHA-256 of a token, a name and rights, such as: 9f86d0…0a08 ci send,query"
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%d: %d words; %s", n, len(words), want)
		}
		tok := token{name: words[1]}
		hash, err := hex.DecodeString(words[0])
		if err != nil || len(hash) != len(tok.hash) {
			return nil, fmt.Errorf("%d: the first word is no SHA-256 in 64 hexadecimal digits; %s", n, want)
		}
		copy(tok.hash[:], hash)
		for name := range strings.SplitSeq(words[2], ",") {
			r, ok := rightNames[name]
			if !ok {
				return nil, fmt.Errorf("%d: there is no right %q; want send, query or admin", n, name)
			}
			tok.rights |= r
		}
		if all = append(all, tok); len(all) > maxTokens {
			return nil, fmt.Errorf("%d: more than %d tokens", n, maxTokens)
		}
	}
	return all, lines.Err()
}

// find returns who sends a secret. Every token is compared, so that the time tells nothing.
func (t *tokens) find(secret string) (found token, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.looked) > tokenCheck {
		if err := t.read(now); err != nil {
			t.log.Error("the changed tokens are refused; the old ones stay", "err", err)
			if errors.Is(err, fs.ErrNotExist) {
				t.all = []token{} // who takes the file away means it
			}
		}
	}
	hash := sha256.Sum256([]byte(secret))
	for i := range t.all {
		if subtle.ConstantTimeCompare(hash[:], t.all[i].hash[:]) == 1 {
			found, ok = t.all[i], true
		}
	}
	return found, ok
}

// check refuses a request without a token that gives the right to it.
func (t *tokens) check(w http.ResponseWriter, r *http.Request, need right) *doorError {
	if t == nil || need == mayAll {
		return nil
	}
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, known := token{}, false
	if ok {
		who, known = t.find(secret)
	}
	switch {
	case !known:
		w.Header().Set("WWW-Authenticate", "Bearer")
		return refuseRequest(http.StatusUnauthorized, "token", "want a token of the listener's file, as Authorization: Bearer TOKEN; zeta's own commands take it from --token-file or ZETA_TOKEN")
	case who.rights&need == 0:
		return refuseRequest(http.StatusForbidden, "right", "the token %s does not give the right %s", who.name, need)
	}
	return nil
}

// String implements fmt.Stringer.
func (r right) String() string {
	switch r {
	case maySend:
		return "send"
	case mayQuery:
		return "query"
	case mayAdmin:
		return "admin"
	}
	return "none"
}

// rightFor is what a request to listen.http needs. The files of the dashboard and the answers to supervisors are
// for all; what is not known here and may change something is for admins.
func rightFor(r *http.Request) right {
	path := r.URL.Path
	switch {
	case path == "/healthz", path == "/readyz":
		return mayAll
	case path == "/events", path == "/events/", path == "/api/v1/events":
		return maySend
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions:
		return mayAdmin
	case path == "/metrics", path == "/index", strings.HasPrefix(path, "/index/"), strings.HasPrefix(path, "/pubsub/"), strings.HasPrefix(path, "/api/"):
		return mayQuery
	case strings.HasPrefix(path, "/debug/"):
		return mayAdmin
	}
	return mayAll
}
