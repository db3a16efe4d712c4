package senders

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"zeta/internal/rig"
)

// want waits for an event in the index. A recording holds the whole of it, but the time only if that is among the fields:
// else it is not the sender's, or of the day of the recording.
func (d *door) want(t *testing.T, query string, fields map[string]any) {
	t.Helper()
	e := d.Want(t, query, fields)
	if _, ok := fields["time"]; !ok {
		e["time"] = nil
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	d.note("= " + string(text))
}

// wantNone waits until nothing in the index fits a query.
func (d *door) wantNone(t *testing.T, query string) {
	t.Helper()
	rig.Eventually(t, "nothing in the index fits "+query, func() bool { return len(d.Query(t, query)) == 0 })
	d.note("- " + query)
}

// note puts a line into a recording, behind what has travelled until now.
func (d *door) note(line string) {
	if d.rec != nil {
		d.rec.Add(rig.Piece{Conn: note, Bytes: []byte(line)})
	}
}

const note = "note" // the connection of notes

// script is the text of an exchange as server/testdata/doors has it: what was sent on a connection until it was answered
// in one piece; datagrams apart; bytes in hexadecimal, text in quotes; of answers over HTTP the status, over HTTP/2 their end.
func script(pieces []rig.Piece) string {
	var text strings.Builder
	conn := ""
	for i := 0; i < len(pieces); i++ {
		p := pieces[i]
		if p.Conn == note {
			fmt.Fprintf(&text, "%s\n", p.Bytes)
			continue
		}
		for p.Conn != "udp" && i+1 < len(pieces) && pieces[i+1].Conn == p.Conn && pieces[i+1].Answer == p.Answer {
			i++
			p.Bytes = append(bytes.Clone(p.Bytes), pieces[i].Bytes...)
		}
		if p.Conn != conn {
			conn = p.Conn
			fmt.Fprintf(&text, "+ %s\n", conn)
		}
		if p.Answer {
			text.WriteString(answers(p.Bytes))
			continue
		}
		head, body, http := bytes.Cut(p.Bytes, []byte("\r\n\r\n"))
		if http {
			fmt.Fprintf(&text, "> %s\n", written(append(bytes.Clone(head), "\r\n\r\n"...)))
		} else {
			body = p.Bytes
		}
		if len(body) > 0 {
			fmt.Fprintf(&text, "> %s\n", written(body))
		}
	}
	return text.String()
}

var status = regexp.MustCompile(`HTTP/1\.[01] (\d\d\d)`)

func answers(b []byte) string {
	if found := status.FindAllSubmatch(b, -1); found != nil {
		text := ""
		for _, f := range found {
			text += fmt.Sprintf("< HTTP %s\n", f[1])
		}
		return text
	}
	if quoted := written(b); quoted[0] == '"' {
		return "< " + quoted + "\n"
	}
	return strings.Repeat("< HTTP/2\n", responses(b))
}

// responses counts the responses over HTTP/2 that end within whole frames.
func responses(b []byte) (n int) {
	const head, headers, endStream = 9, 1, 1
	for len(b) >= head {
		if b[3] == headers && b[4]&endStream != 0 {
			n++
		}
		b = b[min(len(b), head+int(b[0])<<16+int(b[1])<<8+int(b[2])):]
	}
	return n
}

func written(b []byte) string {
	text := strconv.Quote(string(b))
	if strings.Contains(text, `\x`) || strings.Contains(text, `\u`) {
		return hex.EncodeToString(b)
	}
	return text
}
