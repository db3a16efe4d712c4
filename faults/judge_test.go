package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// judge is the target of alerts and the memory of what was promised. Each sender's events carry rising numbers,
// so that loss, doubling and order can be told for each.
type judge struct {
	t      *testing.T
	target *httptest.Server

	mu     sync.Mutex
	acked  map[string]int    // sender → highest number that was answered ok
	sent   map[string]int    // sender → highest number that was sent
	seen   map[string][]int  // sender → numbers in the order they arrived, requests with a known id left out
	ids    map[string]string // idempotency key → body
	twice  int               // requests whose id had come before
	answer func(w http.ResponseWriter) bool
}

func newJudge(t *testing.T) *judge {
	j := &judge{t: t, acked: map[string]int{}, sent: map[string]int{}, seen: map[string][]int{}, ids: map[string]string{}}
	j.target = httptest.NewServer(http.HandlerFunc(j.serve))
	t.Cleanup(j.target.Close)
	return j
}

func (j *judge) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the child died while it sent
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.answer != nil && !j.answer(w) {
		return
	}
	id := r.Header.Get("Idempotency-Key")
	if before, ok := j.ids[id]; ok {
		if before != string(body) {
			j.t.Errorf("id %s came with two bodies:\n%s\n%s", id, before, body)
		}
		j.twice++
		return
	}
	j.ids[id] = string(body)
	var events []struct {
		Host   string
		Metric float64
	}
	if err := json.Unmarshal(body, &events); err != nil {
		j.t.Errorf("the target got %q: %v", body, err)
	}
	for _, e := range events {
		j.seen[e.Host] = append(j.seen[e.Host], int(e.Metric))
	}
}

// rules send every event of service alert to the judge.
func (j *judge) rules() string {
	return fmt.Sprintf(`index; where(service == "alert", webhook({url: %q, wait: 0, batch: 1}));`, j.target.URL)
}

// send sends numbered alerts over one connection, one message each, until the child is gone or n are answered.
func (j *judge) send(sender, addr string, n int) (answered int) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return 0
	}
	defer nc.Close()
	return j.over(nc, sender, n)
}

// over is send on a connection that is there.
func (j *judge) over(nc net.Conn, sender string, n int) (answered int) {
	frames := wire.NewFrameReader(nc, 1<<20)
	decoder := wire.NewDecoder(wire.DefaultLimits)
	for answered < n {
		j.mu.Lock()
		j.sent[sender]++
		number := j.sent[sender]
		j.mu.Unlock()
		var e event.Event
		e.SetHost(sender)
		e.SetService("alert")
		e.SetInt(int64(number))
		nc.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := nc.Write(wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{e}})); err != nil {
			return answered
		}
		var m wire.Msg
		for {
			payload, ok, err := frames.Next()
			if ok {
				if err = decoder.Decode(&m, payload); err == nil {
					break
				}
			}
			if err == nil {
				err = frames.Fill()
			}
			if err != nil {
				return answered
			}
		}
		if m.OK {
			j.mu.Lock()
			j.acked[sender] = number // numbers between were sent and not answered: neither promised nor forbidden
			j.promise(sender, number)
			j.mu.Unlock()
			answered++
		}
	}
	return answered
}

// promise notes that a number was answered ok. Called with mu held.
func (j *judge) promise(sender string, number int) { j.ids[promised(sender, number)] = "" }

func promised(sender string, number int) string { return fmt.Sprint("promised ", sender, " ", number) }

// missing returns the promises that have not been kept yet.
func (j *judge) missing() (lost []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for sender, top := range j.acked {
		there := map[int]bool{}
		for _, n := range j.seen[sender] {
			there[n] = true
		}
		for n := 1; n <= top; n++ {
			if _, ok := j.ids[promised(sender, n)]; ok && !there[n] {
				lost = append(lost, fmt.Sprint(sender, " ", n))
			}
		}
	}
	return lost
}

// arrived returns how many alerts came.
func (j *judge) arrived() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, numbers := range j.seen {
		n += len(numbers)
	}
	return n
}

// verdict waits until every promise is kept and then looks for disorder and doubles.
func (j *judge) verdict(what string, kills int) {
	j.t.Helper()
	lost := j.missing()
	for end := time.Now().Add(20 * time.Second); len(lost) > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		was := len(lost)
		if lost = j.missing(); len(lost) < was { // they still come
			end = time.Now().Add(20 * time.Second)
		}
	}
	if len(lost) > 0 {
		j.t.Fatalf("%s: %d acknowledged alerts did not arrive: %q", what, len(lost), lost[:min(len(lost), 20)])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	alerts := 0
	for sender, numbers := range j.seen {
		alerts += len(numbers)
		for i := 1; i < len(numbers); i++ {
			if numbers[i] <= numbers[i-1] {
				j.t.Fatalf("%s: of sender %s came %d after %d", what, sender, numbers[i], numbers[i-1])
			}
		}
	}
	if j.twice > kills {
		j.t.Fatalf("%s: %d alerts were delivered twice; with one sink and %d kills at most %d may be", what, j.twice, kills, kills)
	}
	j.t.Logf("%s: %d alerts arrived, %d twice with the same id, none of the acknowledged lost, all in order", what, alerts, j.twice)
}

// hangOnce has the first request hang, without an answer, until release is closed; held is closed when it has come.
func (j *judge) hangOnce() (held, release chan struct{}) {
	held, release = make(chan struct{}), make(chan struct{})
	hang := true
	j.answer = func(http.ResponseWriter) bool {
		if !hang {
			return true
		}
		hang = false
		j.mu.Unlock()
		close(held)
		<-release
		j.mu.Lock()
		return false
	}
	return held, release
}
