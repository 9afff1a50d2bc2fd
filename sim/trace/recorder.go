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
	mu       sync.Mutex
	w        io.Writer
	buf      []byte
	hash     hash.Hash
	events   int
	last     time.Duration
	counters map[Kind]*int64
	tallies  map[string]int64
	watchers []watcher
	words    map[string]string // names and kinds, for the watchers
	closed   bool
	err      error // the first one; Close returns it
}

type watcher struct {
	f     func(Event)
	kinds []Kind
}

// NewRecorder writes the header and returns a recorder for the events of the run.
// It refuses a plan that is not valid.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) {
	line, err := encodeHeader(h)
	if err != nil {
		return nil, fmt.Errorf("trace: header: %w", err)
	}
	r := &Recorder{
		w:        w,
		buf:      make([]byte, 0, flushAt+4096),
		hash:     sha256.New(),
		counters: make(map[Kind]*int64),
		tallies:  make(map[string]int64),
		words:    make(map[string]string),
	}
	r.buf = append(r.buf, line...)
	return r, nil
}

// Emit appends an event. It keeps nothing of e. An event that lies before the one
// before it in time is not recorded and makes Close fail; one after Close is lost.
func (r *Recorder) Emit(e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.err != nil {
		return
	}
	if e.At < r.last {
		r.err = fmt.Errorf("trace: event %d (%s of %q) is at %s, before the event before it (%s)",
			r.events+1, Kind(strings.Clone(string(e.Kind))), strings.Clone(e.Node), e.At, r.last)
		return
	}
	r.last = e.At
	r.events++
	if n := r.counters[e.Kind]; n != nil {
		*n++
	} else {
		r.counters[Kind(r.intern(string(e.Kind)))] = new(int64(1))
		if isTally(string(e.Kind)) {
			r.err = fmt.Errorf("trace: event %d: the kind %q has a slash in it", r.events, strings.Clone(string(e.Kind)))
			return
		}
	}
	r.buf = appendEvent(r.buf, &e)
	if len(r.buf) >= flushAt {
		r.flush()
	}
	for i := range r.watchers {
		if w := &r.watchers[i]; len(w.kinds) == 0 || slices.Contains(w.kinds, e.Kind) {
			w.f(r.copy(&e, r.events))
		}
	}
}

// copy returns a copy of e for a watcher. Nothing of e itself may go out of Emit:
// the compiler would then put the fields of every caller on the heap.
func (r *Recorder) copy(e *Event, seq int) Event {
	fields := make([]Field, len(e.Fields))
	copy(fields, e.Fields)
	return Event{Seq: seq, At: e.At, Node: r.intern(e.Node), Incarnation: e.Incarnation, Kind: Kind(r.intern(string(e.Kind))), Fields: fields}
}

func (r *Recorder) intern(s string) string {
	known, ok := r.words[s]
	if !ok {
		known = strings.Clone(s)
		r.words[known] = known
	}
	return known
}

// Watch calls f with every later event of these kinds (of all kinds when none is
// given), in the order of the file, before Emit returns. f must not emit.
func (r *Recorder) Watch(f func(Event), kinds ...Kind) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = append(r.watchers, watcher{f, slices.Clone(kinds)})
}

// Count adds to a counter of the footer that counts something else than events of a
// kind. Its name has a slash ("sometimes/leader change"), by which the two are told
// apart; any other makes Close fail. A counter at zero is left out.
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

// isTally says whether a counter of a footer is one of [Recorder.Count].
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
		Verdict:     v,
		Hash:        hex.EncodeToString(r.hash.Sum(nil)),
		Events:      r.events,
		VirtualTime: r.last,
		Counters:    make(map[string]int64, len(r.counters)),
	}
	for k, n := range r.counters {
		f.Counters[string(k)] = *n
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
