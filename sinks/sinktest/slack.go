package sinktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"encoding/pem"
)

// Slack plays Slack's Web API over HTTPS. A request that breaks Slack's rules (token, channel, empty
// text, blocks, sizes) is answered as Slack answers and recorded in Broken.
type Slack struct {
	URL string // of the API, with a trailing slash: the sink's apiURL
	CA  string // PEM file with the server's certificate: the sink's ca

	Token    string
	Channels []string
	Every    time.Duration // least time between two messages to a channel; sooner is answered 429. 0: no limit

	mu       sync.Mutex
	server   *httptest.Server
	messages []Message
	last     map[string]time.Time
	broken   []string
	limited  int
	failures []int // statuses to answer first, before any check
}

// Message is a message in a channel as it stands now.
type Message struct {
	Channel, TS, Text string
	Body              string // all texts of its blocks, one per line
	Colour            string
	Edits             int
}

// NewSlack starts a Slack that knows this token and these channels. It ends with the test.
func NewSlack(t testing.TB, token string, channels ...string) *Slack {
	s := &Slack{Token: token, Channels: channels, last: map[string]time.Time{}}
	s.server = httptest.NewTLSServer(s)
	t.Cleanup(s.server.Close)
	s.URL = s.server.URL + "/api/"
	s.CA = WriteCA(t, s.server)
	return s
}

// WriteCA writes the certificate of srv to a PEM file and returns its path.
func WriteCA(t testing.TB, srv *httptest.Server) string {
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// FailFirst makes the next requests fail with these statuses.
func (s *Slack) FailFirst(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = statuses
}

// Messages returns the messages posted so far, in order, as edited.
func (s *Slack) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Broken returns what requests broke Slack's rules; Limited how many were answered 429.
func (s *Slack) Broken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.broken...)
}

// Limited returns how many requests were answered 429.
func (s *Slack) Limited() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited
}

// ServeHTTP implements http.Handler.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) > 0 {
		status := s.failures[0]
		s.failures = s.failures[1:]
		w.WriteHeader(status)
		return
	}
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		s.refuse(w, "invalid_form_data", "%s %s", r.Method, r.URL.Path)
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		token = r.PostForm.Get("token")
	}
	if token != s.Token {
		s.refuse(w, "invalid_auth", "token %q", token)
		return
	}
	channel := r.PostForm.Get("channel")
	known := false
	for _, c := range s.Channels {
		known = known || c == channel || channelID(c) == channel
	}
	if !known {
		s.refuse(w, "channel_not_found", "channel %q", channel)
		return
	}
	m := Message{Channel: channel, Text: r.PostForm.Get("text")}
	if word, text := readBlocks(r.PostForm.Get("attachments"), &m); word != "" {
		s.refuse(w, word, "%s", text)
		return
	}
	if m.Text == "" && m.Body == "" {
		s.refuse(w, "no_text", "neither text nor blocks")
		return
	}
	if last, ok := s.last[channel]; ok && time.Since(last) < s.Every {
		s.limited++
		w.Header().Set("Retry-After", strconv.Itoa(int((s.Every-time.Since(last)).Seconds())+1))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	switch r.URL.Path {
	case "/api/chat.postMessage":
		s.last[channel] = time.Now()
		m.TS = fmt.Sprintf("%d.%06d", 1_700_000_000+len(s.messages), len(s.messages)+1)
		s.messages = append(s.messages, m)
	case "/api/chat.update":
		m.TS = r.PostForm.Get("ts")
		i := s.find(m.TS)
		if i < 0 || !strings.HasPrefix(channel, "C") {
			s.refuse(w, "message_not_found", "ts %q in channel %q", m.TS, channel)
			return
		}
		m.Channel, m.Edits = s.messages[i].Channel, s.messages[i].Edits+1
		s.messages[i] = m
	default:
		s.refuse(w, "unknown_method", "%s", r.URL.Path)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": channelID(channel), "ts": m.TS, "text": m.Text})
}

// channelID is what Slack answers for a channel named by its name; only it works in chat.update.
func channelID(channel string) string {
	if name, ok := strings.CutPrefix(channel, "#"); ok {
		return "C" + strings.ToUpper(name)
	}
	return channel
}

func (s *Slack) find(ts string) int {
	for i := range s.messages {
		if s.messages[i].TS == ts {
			return i
		}
	}
	return -1
}

func (s *Slack) refuse(w http.ResponseWriter, word, format string, args ...any) {
	s.broken = append(s.broken, word+": "+fmt.Sprintf(format, args...))
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": word})
}

// readBlocks checks the attachments against Slack's limits and gathers their texts.
func readBlocks(attachments string, m *Message) (word, text string) {
	if attachments == "" {
		return "", ""
	}
	var parsed []struct {
		Color  string `json:"color"`
		Blocks []struct {
			Type string `json:"type"`
			Text *struct {
				Type, Text string
			} `json:"text"`
			Elements []struct {
				Type, Text string
			} `json:"elements"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal([]byte(attachments), &parsed); err != nil {
		return "invalid_attachments", err.Error()
	}
	if len(parsed) > 100 {
		return "too_many_attachments", fmt.Sprint(len(parsed))
	}
	for _, a := range parsed {
		m.Colour = a.Color
		if len(a.Blocks) > 50 {
			return "invalid_blocks", fmt.Sprintf("%d blocks, at most 50", len(a.Blocks))
		}
		for _, b := range a.Blocks {
			switch b.Type {
			case "section":
				if b.Text == nil || b.Text.Text == "" || utf8.RuneCountInString(b.Text.Text) > 3000 {
					return "invalid_blocks", "a section needs 1 to 3,000 characters"
				}
				m.Body += b.Text.Text + "\n"
			case "context":
				if len(b.Elements) == 0 || len(b.Elements) > 10 {
					return "invalid_blocks", "a context needs 1 to 10 elements"
				}
				for _, e := range b.Elements {
					if e.Text == "" || utf8.RuneCountInString(e.Text) > 3000 {
						return "invalid_blocks", "a context element needs 1 to 3,000 characters"
					}
					m.Body += e.Text + "\n"
				}
			case "header":
				if b.Text == nil || b.Text.Type != "plain_text" || utf8.RuneCountInString(b.Text.Text) > 150 {
					return "invalid_blocks", "a header is plain text of up to 150 characters"
				}
				m.Body += b.Text.Text + "\n"
			case "divider":
			default:
				return "invalid_blocks", "unknown block type " + b.Type
			}
		}
	}
	return "", ""
}
