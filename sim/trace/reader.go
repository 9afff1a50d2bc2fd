package trace

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// maxLine is how long a line may be, in bytes.
const maxLine = 64 << 20

// ErrCutOff is wrapped by the error of a reader whose trace has no end.
var ErrCutOff = errors.New("it was cut off")

// zstdMagic begins every zstd frame.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// Reader reads a trace line by line, plain or zstd-compressed. It refuses whatever
// a [Recorder] would not have written; its errors name the line and the column. It
// is for one goroutine.
type Reader struct {
	in       *bufio.Reader
	line     int // number of the line read last
	long     []byte
	hash     hash.Hash
	check    []byte        // an event encoded again
	only     map[Kind]bool // what Next returns; nil for all
	header   Header
	footer   Footer
	events   int
	last     time.Duration
	counters map[string]*int64
	err      error // what Next returns from now on
}

// NewReader reads the header.
func NewReader(in io.Reader) (*Reader, error) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	if magic, err := buffered.Peek(len(zstdMagic)); err == nil && bytes.Equal(magic, zstdMagic) {
		// One decoder at a time runs without goroutines: there is nothing to close.
		dec, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, fmt.Errorf("trace: zstd: %w", err)
		}
		buffered = bufio.NewReaderSize(dec, 64<<10)
	}
	r := &Reader{in: buffered, hash: sha256.New(), counters: make(map[string]*int64)}
	line, err := r.readLine()
	if err != nil {
		return nil, err
	}
	var former bool
	if r.header, former, err = decodeHeader(line); err != nil {
		return nil, r.fail(err)
	}
	again, err := encodeHeader(r.header)
	if err != nil {
		return nil, r.fail(err)
	}
	if !former { // the form of a plan of a former format is not written any more; the hash covers it
		if err := r.same(line, again); err != nil {
			return nil, err
		}
	}
	r.hash.Write(line)
	return r, nil
}

// Header returns the header.
func (r *Reader) Header() Header { return r.header }

// Footer returns the footer, once Next has returned io.EOF.
func (r *Reader) Footer() Footer { return r.footer }

// Only lets Next return events of these kinds alone. Of the others no more is read than
// the time, the place and the kind, and that the hash is right: a caller that needs a
// few events of a trace need not decode them all.
func (r *Reader) Only(kinds ...Kind) {
	r.only = make(map[Kind]bool, len(kinds))
	for _, k := range kinds {
		r.only[k] = true
	}
}

// Next returns the next event. It returns io.EOF once the footer was read and
// agrees with all that came before it; a trace without its end is an error.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	e, err := r.next()
	if err != nil {
		r.err = err
	}
	return e, err
}

func (r *Reader) next() (Event, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return Event{}, err
		}
		if bytes.HasPrefix(line, []byte(footerPrefix)) {
			return Event{}, r.end(line)
		}
		e, skipped, err := r.event(line)
		if err != nil {
			return Event{}, err
		}
		if e.At < r.last {
			return Event{}, r.fail(fmt.Errorf("time runs backwards, from %s to %s", r.last, e.At))
		}
		r.hash.Write(line)
		r.last = e.At
		r.events++
		e.Seq = r.events
		r.count(e.Kind)
		if !skipped {
			return e, nil
		}
	}
}

// event reads the event of a line; one that is skipped has a time and a kind.
func (r *Reader) event(line []byte) (_ Event, skipped bool, err error) {
	if r.only != nil {
		if e, ok := parseHead(line); ok && !r.only[e.Kind] {
			return e, true, nil
		}
	}
	e, err := parseEvent(string(line[:len(line)-1]))
	if err != nil {
		return Event{}, false, r.fail(err)
	}
	r.check = appendEvent(r.check[:0], &e)
	return e, false, r.same(line, r.check)
}

// count counts an event.
func (r *Reader) count(k Kind) {
	n := r.counters[string(k)]
	if n == nil {
		n = new(int64)
		r.counters[strings.Clone(string(k))] = n // not the line it is part of
	}
	*n++
}

// end reads the footer and returns io.EOF when it is right.
func (r *Reader) end(line []byte) error {
	f, err := decodeFooter(line)
	if err != nil {
		return r.fail(err)
	}
	again, err := encodeFooter(f)
	if err != nil {
		return r.fail(err)
	}
	if !bytes.Equal(line, again) {
		return r.fail(errors.New("the footer was edited: it does not agree with its seal"))
	}
	if sum := hex.EncodeToString(r.hash.Sum(nil)); sum != f.Hash {
		return r.fail(fmt.Errorf("the lines before this one were edited: their hash is %s, the footer has %s", sum, f.Hash))
	}
	switch {
	case f.Events != r.events:
		return r.fail(fmt.Errorf("there are %d events, the footer has %d", r.events, f.Events))
	case f.VirtualTime != r.last:
		return r.fail(fmt.Errorf("the last event is at %s, the footer has %s", r.last, f.VirtualTime))
	case !maps.EqualFunc(ofKinds(f.Counters), r.counters, func(n int64, counted *int64) bool { return n == *counted }):
		return r.fail(errors.New("the counters of the footer are not those of the events"))
	case f.Verdict.Passed != (len(f.Verdict.Violations) == 0):
		return r.fail(fmt.Errorf("passed is %t, but there are %d violations", f.Verdict.Passed, len(f.Verdict.Violations)))
	}
	switch _, err := r.in.ReadByte(); {
	case err == nil:
		r.line++
		return r.fail(errors.New("there is something after the footer"))
	case err != io.EOF:
		return r.fail(err)
	}
	r.footer = f
	return io.EOF
}

// ofKinds returns the counters that count events. What the others count is defined
// elsewhere.
func ofKinds(counters map[string]int64) map[string]int64 {
	kinds := maps.Clone(counters)
	maps.DeleteFunc(kinds, func(name string, _ int64) bool { return isTally(name) })
	return kinds
}

// readLine returns the next line with its end, valid until the next call.
func (r *Reader) readLine() ([]byte, error) {
	r.line++
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if err == nil && len(r.long) == 0 {
			return part, nil
		}
		r.long = append(r.long, part...)
		switch {
		case err == nil:
			return r.long, nil
		case len(r.long) > maxLine:
			return nil, r.fail(fmt.Errorf("longer than %d bytes", maxLine))
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(r.long) == 0 && r.line == 1:
			return nil, r.fail(errors.New("the file is empty"))
		case err == io.EOF && len(r.long) == 0:
			return nil, r.fail(fmt.Errorf("the trace ends here, without its footer: %w", ErrCutOff))
		case err == io.EOF:
			return nil, r.fail(fmt.Errorf("the trace ends in the middle of this line: %w", ErrCutOff))
		default:
			return nil, r.fail(err)
		}
	}
}

// same complains about the first byte in which a line differs from what a recorder
// would have written.
func (r *Reader) same(line, want []byte) error {
	if bytes.Equal(line, want) {
		return nil
	}
	i := 0
	for i < len(line) && i < len(want) && line[i] == want[i] {
		i++
	}
	return r.fail(fmt.Errorf("column %d: not as a recorder writes it: it was edited", i+1))
}

func (r *Reader) fail(err error) error { return fmt.Errorf("trace: line %d: %w", r.line, err) }

// Read reads a whole trace.
func Read(in io.Reader) (*Trace, error) {
	r, err := NewReader(in)
	if err != nil {
		return nil, err
	}
	t := &Trace{Header: r.Header()}
	for {
		e, err := r.Next()
		if err == io.EOF {
			t.Footer = r.Footer()
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		t.Events = append(t.Events, e)
	}
}
