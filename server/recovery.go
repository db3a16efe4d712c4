package server

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"zeta/event/wire"
	"zeta/index"
	"zeta/journal"
	"zeta/streams"
)

// engineVersion is the form of a checkpoint's section "engine" and of what the journal holds beside batches.
const engineVersion = 1

// recovered says what a start found.
type recovered struct {
	Checkpoint bool
	Entries    int           // of the index, out of the checkpoint
	Batches    uint64        // replayed
	Lost       uint64        // records missing in the journal
	Down       time.Duration // since the last record
	Took       time.Duration
}

// recover brings the engine to where it was: newest checkpoint, then the tail of the journal under the rules
// that ran then, then the time nobody looked, and then the rules of today. Alerts that the replay makes again
// have the ids they had, so that the outbox drops those it knows.
func (s *Server) recover(current *streams.Rules) (recovered, error) {
	began := time.Now()
	st, e := s.opts.Store, s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	r := replay{s: s, current: current, text: rulesText(current, s.opts), decoder: wire.NewDecoder(replayLimits)}
	from, err := r.checkpoint(st.checkpoints)
	if err != nil {
		return r.found, err
	}
	st.log.SkipTo(from)
	reader, err := st.log.Read(from, r.record)
	if err != nil {
		return r.found, fmt.Errorf("replay the journal: %w", err)
	}
	r.found.Lost = reader.Lost

	now := max(time.Now().UnixMicro(), r.last)
	e.seq = max(e.seq, firstNumber(st.log.Generation()))
	e.stamp.from(now)
	e.journal = st.log
	if e.graph != nil {
		if err := e.append(journal.KindStart, now, startBody(now-r.last)); err != nil {
			return r.found, err
		}
		r.found.Down = time.Duration(now-r.last) * time.Microsecond
		e.resume(now, now-r.last)
	}
	if e.graph == nil || r.running != r.text {
		if err := e.append(journal.KindRules, now, []byte(r.text)); err != nil {
			return r.found, err
		}
		if err := e.swap(current); err != nil {
			return r.found, err
		}
	}
	r.found.Took = time.Since(began)
	return r.found, nil
}

// firstNumber returns where the numbers of the events of a life begin. A life that died before its generation was on
// disk may have left alerts in the outbox all the same; the next one has the same generation, and chance keeps its
// numbers apart.
func firstNumber(generation uint64) uint64 { return generation<<40 | rand.Uint64N(1<<39) }

// append records something that is no batch.
func (e *Engine) append(kind journal.Kind, stamp int64, body []byte) error {
	if _, err := e.journal.Append(kind, stamp, body); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// resume skips a down-time: timers that were due run once, and nothing expires because nobody looked.
func (e *Engine) resume(now, down int64) {
	e.index.Advance(now)
	e.index.Shift(down)
	e.cause = timerCause | uint64(now)
	e.clock.Skip(now)
	e.pushAgain()
}

// replay is one run of recover.
type replay struct {
	s       *Server
	current *streams.Rules
	text    string // of the current rules
	running string // text of the rules that the engine has
	last    int64  // stamp of the last record
	decoder *wire.Decoder
	msg     wire.Msg
	found   recovered
}

// checkpoint loads the newest one and returns the record to go on from.
func (r *replay) checkpoint(all *journal.Checkpoints) (from uint64, err error) {
	c, fallbacks, err := all.Latest()
	if err != nil {
		return 0, fmt.Errorf("read the checkpoint: %w", err)
	}
	if fallbacks > 0 {
		r.s.log.Error("the newest checkpoint could not be read; an older one and more of the journal take its place", "damaged", fallbacks)
	}
	if c == nil {
		return 0, nil
	}
	defer c.Close()
	e := r.s.engine
	e.rewind(c.Stamp)
	r.last = c.Stamp
	sections := map[string][]byte{}
	for _, name := range []string{"rules", "engine", "state", "index"} {
		section := c.Section(name)
		if section == nil {
			return 0, fmt.Errorf("read the checkpoint: there is no section %q", name)
		}
		if sections[name], err = io.ReadAll(section); err != nil {
			return 0, fmt.Errorf("read the checkpoint: %s: %w", name, err)
		}
	}
	l := streams.NewLoader(sections["engine"])
	if v := l.Uint(); v != engineVersion {
		return 0, fmt.Errorf("read the checkpoint: version %d, this program reads %d", v, engineVersion)
	}
	e.seq = l.Uint()
	if r.found.Entries, err = restoreIndex(r.s.index, sections["index"]); err != nil {
		return 0, fmt.Errorf("read the checkpoint: index: %w", err)
	}
	if err := r.rules(string(sections["rules"])); err != nil {
		return 0, err
	}
	if err := e.graph.Load(streams.NewLoader(sections["state"])); err != nil {
		return 0, fmt.Errorf("read the checkpoint: %w", err)
	}
	l.Timer(e.expiry.timer)
	for name, load := range map[string]func([]byte) error{"silences": e.silences.load, "gone": e.gone.load} {
		section := c.Section(name)
		if section == nil {
			continue // made before there was such a section
		}
		b, err := io.ReadAll(section)
		if err == nil {
			err = load(b)
		}
		if err != nil {
			return 0, fmt.Errorf("read the checkpoint: %s: %w", name, err)
		}
	}
	if err := l.Err(); err != nil {
		return 0, fmt.Errorf("read the checkpoint: engine: %w", err)
	}
	r.found.Checkpoint = true
	return c.Seq + 1, nil
}

// rules puts recorded rules to work. Rules that this version cannot load any more are replaced by today's.
func (r *replay) rules(text string) error {
	rules := r.current
	if text != r.text {
		recorded, err := loadRecorded(text)
		if err != nil {
			r.s.log.Warn("the rules of before cannot be loaded any more; today's rules replay the journal", "err", err)
		} else {
			rules = recorded
		}
	}
	if err := r.s.engine.swap(rules); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.s.engine.rulesText, r.running = text, text
	return nil
}

// record replays one record.
func (r *replay) record(rec journal.Record) error {
	e := r.s.engine
	if r.last == 0 {
		e.rewind(rec.Stamp)
	}
	down := rec.Stamp - r.last
	r.last = max(r.last, rec.Stamp)
	switch rec.Kind {
	case journal.KindRules:
		return r.rules(string(rec.Body))
	case journal.KindStart:
		v, n := binary.Uvarint(rec.Body)
		if n <= 0 || v != engineVersion {
			return fmt.Errorf("record %d: a start of version %d, this program reads %d", rec.Seq, v, engineVersion)
		}
		if d, n := binary.Varint(rec.Body[n:]); n > 0 {
			down = d
		}
		e.resume(r.last, down)
	case journal.KindSilence:
		if err := e.replaySilence(r.last, rec.Body); err != nil {
			r.s.log.Error("a silence of the journal cannot be read and is left out", "record", rec.Seq, "err", err)
		}
	case journal.KindBatch:
		first, batch, err := decodeBatch(rec.Body, r.decoder, &r.msg)
		if err != nil {
			r.s.log.Error("a batch of the journal cannot be read and is left out", "record", rec.Seq, "err", err)
			return nil
		}
		if e.graph == nil {
			if err := r.rules(r.text); err != nil {
				return err
			}
		}
		e.seq = first - 1
		e.ingest(batch, r.last)
		r.found.Batches++
	}
	return nil
}

// rewind sets the engine of a program that has just started back to a time.
func (e *Engine) rewind(stamp int64) {
	e.stamp.last = stamp
	e.clock = streams.NewClock(stamp)
	e.rt.Clock = e.clock
	e.expiry.init(e)
	e.silences.init(e.clock)
	e.index.Advance(stamp)
}

// saveIndex writes entries of the index.
func saveIndex(w io.Writer, records func(fn func(r *index.Record) bool)) (err error) {
	var s streams.Saver
	records(func(r *index.Record) bool {
		s.Bool(true)
		s.Event(&r.Event)
		s.Int(r.Arrival)
		s.Bool(r.FromArrival)
		s.Uint(r.Created)
		if len(s.Bytes()) >= 64<<10 {
			_, err = w.Write(s.Bytes())
			s.Reset()
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	s.Bool(false)
	_, err = w.Write(s.Bytes())
	return err
}

func restoreIndex(x *index.Index, b []byte) (n int, err error) {
	l := streams.NewLoader(b)
	var records []index.Record
	for l.Bool() {
		ev := l.Event()
		r := index.Record{Arrival: l.Int(), FromArrival: l.Bool(), Created: l.Uint()}
		if l.Err() != nil || ev == nil {
			break
		}
		r.Event = *ev
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b index.Record) int { return int(int64(a.Created - b.Created)) })
	for i := range records {
		x.Restore(&records[i])
	}
	return len(records), l.Err()
}

// recordedRules is what the journal holds of rules: every file that was read, and what they look things up in.
type recordedRules struct {
	Main   []string       `json:"main,omitempty"`
	Text   string         `json:"text,omitempty"` // rules that were no file
	Files  []streams.File `json:"files,omitempty"`
	Tables []streams.File `json:"tables,omitempty"`
}

func rulesText(rules *streams.Rules, o Options) string {
	r := recordedRules{Main: o.RulesFiles, Files: rules.Files, Tables: rules.Tables}
	if len(r.Main) == 0 {
		r.Files = nil
		if r.Text = o.RulesText; r.Text == "" {
			r.Text = DefaultRules
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

// loadRecorded loads rules out of the text that rulesText made.
func loadRecorded(text string) (*streams.Rules, error) {
	var r recordedRules
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, err
	}
	o := streams.LoadOptions{Serve: true, FS: recordedFS(slices.Concat(r.Files, r.Tables))}
	rules, problems := streams.Load(r.Main, o)
	if len(r.Main) == 0 {
		rules, problems = streams.LoadText("rules", r.Text, o)
	}
	return rules, problems.Err()
}

// recordedFS holds files under the very names they were read by.
type recordedFS []streams.File

// Open implements fs.FS.
func (f recordedFS) Open(name string) (fs.File, error) {
	for _, file := range f {
		if path.Clean(file.Name) == path.Clean(name) {
			return &recordedFile{name: name, text: file.Text}, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Glob implements fs.GlobFS.
func (f recordedFS) Glob(pattern string) (names []string, err error) {
	for _, file := range f {
		ok, err := path.Match(pattern, path.Clean(file.Name))
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, file.Name)
		}
	}
	return names, nil
}

// recordedFile is an open file of a recordedFS.
type recordedFile struct {
	name, text string
	at         int
}

func (f *recordedFile) Stat() (fs.FileInfo, error) { return recordedInfo{f}, nil }
func (f *recordedFile) Close() error               { return nil }

func (f *recordedFile) Read(b []byte) (int, error) {
	if f.at == len(f.text) {
		return 0, io.EOF
	}
	n := copy(b, f.text[f.at:])
	f.at += n
	return n, nil
}

type recordedInfo struct{ f *recordedFile }

func (i recordedInfo) Name() string       { return path.Base(i.f.name) }
func (i recordedInfo) Size() int64        { return int64(len(i.f.text)) }
func (i recordedInfo) Mode() fs.FileMode  { return 0o444 }
func (i recordedInfo) ModTime() time.Time { return time.Time{} }
func (i recordedInfo) IsDir() bool        { return false }
func (i recordedInfo) Sys() any           { return nil }
