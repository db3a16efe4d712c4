package capitalmatch

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// browser is a page in a real Chromium, driven over its DevTools protocol.
type browser struct {
	r    *company
	conn *websocket.Conn
	id   int    // of the last command
	page string // the session of the page; "" while there is none
}

// open starts Chromium without a window and opens a page.
func (r *company) open(url string) *browser {
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
		"--window-size=1400,900", "--user-data-dir="+filepath.Join(r.Dir, "chromium"), url)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address := ""
	for lines := bufio.NewScanner(stderr); address == "" && lines.Scan(); {
		if _, rest, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
			address = rest
		}
	}
	conn, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		r.t.Fatalf("DevTools at %q: %v", address, err)
	}
	r.t.Cleanup(func() { conn.Close() })
	b := &browser{r: r, conn: conn}
	infos, _ := b.call("Target.getTargets", nil)["targetInfos"].([]any)
	for _, info := range infos {
		if target, _ := info.(map[string]any); target["type"] == "page" {
			b.page = fmt.Sprint(b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})["sessionId"])
		}
	}
	if b.page == "" {
		r.t.Fatalf("Chromium opened no page: %v", infos)
	}
	return b
}

// call sends a command and returns its result.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.r.t.Helper()
	b.id++
	msg := map[string]any{"id": b.id, "method": method, "params": params}
	if b.page != "" {
		msg["sessionId"] = b.page
	}
	b.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if err := b.conn.WriteJSON(msg); err != nil {
		b.r.t.Fatal(err)
	}
	b.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, text, err := b.conn.ReadMessage()
		if err != nil {
			b.r.t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result map[string]any
			Error  any
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			b.r.t.Fatal(err)
		}
		if answer.ID == b.id {
			if answer.Error != nil {
				b.r.t.Fatalf("%s: %v", method, answer.Error)
			}
			return answer.Result
		}
	}
}

// text returns what the page shows.
func (b *browser) text() string {
	result := b.call("Runtime.evaluate", map[string]any{"expression": "document.body ? document.body.innerText : ''"})
	value, _ := result["result"].(map[string]any)
	return fmt.Sprint(value["value"])
}

// screenshot returns the page as a PNG.
func (b *browser) screenshot() []byte {
	data, _ := b.call("Page.captureScreenshot", nil)["data"].(string)
	png, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		b.r.t.Fatal(err)
	}
	return png
}
