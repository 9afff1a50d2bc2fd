package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// flushAt is how many bytes the recorder gathers before it hashes and writes them.
const flushAt = 64 << 10

// Recorder writes the trace of one run. It is safe for concurrent use; the order
// of the calls is the order in the file. A nil *Recorder records nothing.
type Recorder struct {
	profile  string
	mu       sync.Mutex
	w        io.Writer
	buf      []byte
	hash     hash.Hash
	events   int
	last     time.Duration
	kinds    map[Kind]*ofKind
	tallies  map[string]int64
	watchers []watcher
	words    map[string]string // names of nodes, for the watchers
	spill    io.Writer         // gets every event at once; nil for none
	schema   Schema            // writes the fields of bodies
	closed   bool
	err      error // the first one; Close returns it
}

type watcher struct {
	f     func(Event)
	kinds []Kind // all of them when it is empty
}

// ofKind is what the recorder keeps of the events of one kind.
type ofKind struct {
	kind     Kind
	count    int64
	watchers []func(Event)
}

// NewRecorder writes the header and returns a recorder for the events of the run.
// It refuses a plan that is not valid.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) {
	line, err := encodeHeader(h)
	if err != nil {
		return nil, fmt.Errorf("trace: header: %w", err)
	}
	r := &Recorder{
		profile: h.Profile,
		w:       w,
		buf:     make([]byte, 0, flushAt+4096),
		hash:    sha256.New(),
		kinds:   make(map[Kind]*ofKind),
		tallies: make(map[string]int64),
		words:   make(map[string]string),
	}
	r.buf = append(r.buf, line...)
	return r, nil
}

// Profile returns the profile in the header.
func (r *Recorder) Profile() string {
	if r == nil {
		return ""
	}
	return r.profile
}

// Spill has every event written to w, too, and at once, behind the header: then it is not
// lost with the process. It is called before the first event. To the recorder's own writer
// nothing changes, and nothing is allocated; nor is it looked at whether w fails.
func (r *Recorder) Spill(w io.Writer) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spill = w
	_, _ = w.Write(r.buf)
}

// Emit appends an event. It keeps nothing of e: watchers get a copy of the fields, and no
// body. An event that lies before the one before it in time is not recorded and makes Close
// fail; one after Close is lost.
func (r *Recorder) Emit(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if of := r.append(&e); of != nil && len(of.watchers) > 0 {
		r.show(of, Event{At: e.At, Node: r.intern(e.Node), Incarnation: e.Incarnation, Fields: slices.Clone(e.Fields)})
	}
}

// Record appends an event with that body. Watchers get the body as it is, and no fields; it
// must not be changed as long as one of them may keep it. Otherwise it is [Recorder.Emit].
func (r *Recorder) Record(at time.Duration, node string, incarnation int, body Body) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.schema = Writing(r.schema.fields[:0])
	body.Schema(&r.schema)
	e := Event{At: at, Node: node, Incarnation: incarnation, Kind: body.Kind(), Fields: r.schema.fields}
	if of := r.append(&e); of != nil && len(of.watchers) > 0 {
		r.show(of, Event{At: at, Node: node, Incarnation: incarnation, Body: body})
	}
}

// show passes the event just appended to those who watch its kind. Nothing of Emit's event
// may get here but copies: the compiler would put the fields of every caller on the heap.
func (r *Recorder) show(of *ofKind, e Event) {
	e.Seq, e.Kind = r.events, of.kind
	for _, f := range of.watchers {
		f(e)
	}
}

// append writes an event. It returns nil if the event is not recorded. r.mu is held.
func (r *Recorder) append(e *Event) *ofKind {
	if r.closed || r.err != nil {
		return nil
	}
	if e.At < r.last {
		r.err = fmt.Errorf("trace: event %d (%s of %q) is at %s, before the event before it (%s)",
			r.events+1, Kind(strings.Clone(string(e.Kind))), strings.Clone(e.Node), e.At, r.last)
		return nil
	}
	r.last = e.At
	r.events++
	of := r.kinds[e.Kind]
	if of == nil {
		if of = r.newKind(strings.Clone(string(e.Kind))); r.err != nil {
			return nil
		}
	}
	of.count++
	begin := len(r.buf)
	r.buf = appendEvent(r.buf, e)
	if r.spill != nil {
		_, _ = r.spill.Write(r.buf[begin:])
	}
	if len(r.buf) >= flushAt {
		r.flush()
	}
	return of
}

// newKind notes a kind of events when the first one comes.
func (r *Recorder) newKind(name string) *ofKind {
	of := &ofKind{kind: Kind(name)}
	for i := range r.watchers {
		if w := &r.watchers[i]; w.watches(of.kind) {
			of.watchers = append(of.watchers, w.f)
		}
	}
	r.kinds[of.kind] = of
	if isTally(name) {
		r.err = fmt.Errorf("trace: event %d: the kind %q has a slash in it", r.events, name)
	}
	return of
}

func (w *watcher) watches(k Kind) bool { return len(w.kinds) == 0 || slices.Contains(w.kinds, k) }

func (r *Recorder) intern(s string) string {
	known, ok := r.words[s]
	if !ok {
		known = strings.Clone(s)
		r.words[known] = known
	}
	return known
}

// Watch calls f with every later event of these kinds (of all kinds when none is
// given), in the order of the file, before Emit or Record returns. f must not emit, and must
// not change the event's fields or body: all watchers are given the same.
func (r *Recorder) Watch(f func(Event), kinds ...Kind) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := watcher{f, slices.Clone(kinds)}
	r.watchers = append(r.watchers, w)
	for _, of := range r.kinds {
		if w.watches(of.kind) {
			of.watchers = append(of.watchers, f)
		}
	}
}

// Count adds to a counter of the footer that counts something else than events of a
// kind. Its name has a slash ("sometimes/leader change"), which distinguishes
// the two; any other makes Close fail. A counter at zero is left out.
func (r *Recorder) Count(name string, n int64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !isTally(name) && r.err == nil {
		r.err = fmt.Errorf("trace: the counter %q has no slash in its name", name)
	}
	r.tallies[name] += n
}

// isTally reports whether a counter of a footer is one of [Recorder.Count].
func isTally(name string) bool { return strings.Contains(name, "/") }

// flush hashes and writes what has gathered. r.mu is held.
func (r *Recorder) flush() {
	r.hash.Write(r.buf)
	if _, err := r.w.Write(r.buf); err != nil && r.err == nil {
		r.err = fmt.Errorf("trace: %w", err)
	}
	r.buf = r.buf[:0]
}

// Close writes the footer. It does not close the writer. The error is the first
// that occurred since NewRecorder; the trace is then cut off and reads as such.
func (r *Recorder) Close(v Verdict) (Footer, error) {
	if r == nil {
		return Footer{}, errors.New("trace: there is no recorder to close")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Footer{}, errors.New("trace: the recorder is closed already")
	}
	r.closed = true
	if v.Passed != (len(v.Violations) == 0) && r.err == nil {
		r.err = fmt.Errorf("trace: a verdict of passed=%t has %d violations", v.Passed, len(v.Violations))
	}
	r.flush()
	if r.err != nil {
		return Footer{}, r.err
	}
	f := Footer{
		Verdict:     v.valid(),
		Hash:        hex.EncodeToString(r.hash.Sum(nil)),
		Events:      r.events,
		VirtualTime: r.last,
		Counters:    make(map[string]int64, len(r.kinds)),
	}
	for k, of := range r.kinds {
		f.Counters[string(k)] = of.count
	}
	for name, n := range r.tallies {
		if n != 0 {
			f.Counters[name] = n
		}
	}
	line, err := encodeFooter(f)
	if err == nil {
		_, err = r.w.Write(line)
	}
	if err != nil {
		return Footer{}, fmt.Errorf("trace: footer: %w", err)
	}
	return f, nil
}

// valid returns the verdict as it can stand in a file: bytes that are no UTF-8 become
// U+FFFD, as in events.
func (v Verdict) valid() Verdict {
	v.Violations = slices.Clone(v.Violations)
	for i := range v.Violations {
		for _, s := range []*string{&v.Violations[i].Property, &v.Violations[i].Message, &v.Violations[i].Node} {
			*s = string([]rune(*s)) // a rune for each byte that is none
		}
	}
	return v
}
