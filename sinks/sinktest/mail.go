package sinktest

import (
	"bufio"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// Mail is a server of SMTP that takes what its Refuse lets through. It offers neither TLS nor a login.
type Mail struct {
	Addr string
	// Refuse returns the answer to a command, such as "550 no such user"; "": it is taken.
	Refuse func(command string) string

	mu   sync.Mutex
	took []*mail.Message
	body []string
}

// NewMail starts a server that ends with the test.
func NewMail(t *testing.T) *Mail {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &Mail{Addr: l.Addr().String(), Refuse: func(string) string { return "" }}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(t, conn)
		}
	}()
	return m
}

func (m *Mail) serve(t *testing.T, conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(text string) { io.WriteString(conn, text+"\r\n") }
	say("220 mail.example.com ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if answer := m.Refuse(line); answer != "" {
			say(answer)
			continue
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "EHLO":
			say("250-mail.example.com\r\n250 8BITMIME")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			msg, err := mail.ReadMessage(strings.NewReader(text.String()))
			if err != nil {
				t.Errorf("not a mail: %v: %q", err, text.String())
				say("554 not a mail")
				continue
			}
			body, _ := io.ReadAll(msg.Body)
			m.mu.Lock()
			m.took, m.body = append(m.took, msg), append(m.body, string(body))
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// Took returns the mails that were taken, their headers and their bodies as they came.
func (m *Mail) Took() (heads []mail.Header, bodies []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range m.took {
		heads = append(heads, msg.Header)
	}
	return heads, append([]string(nil), m.body...)
}
