// Package wire is the protocol between an engine and its guest: frames on the
// guest's standard input and output.
//
// The guest begins with a [Hello]. For every [Job] it answers with one [Answer],
// followed by the trace when the job was run. Asked to, it sends the pieces of the trace
// before that, as they are made. A frame is its length, its kind, a
// checksum and the payload; a stream that ends or is garbled inside a frame is an
// error that names the place. The package knows neither how a guest is started nor
// WebAssembly.
package wire

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Protocol is the number of the protocol. Guest and engine are built from the same
// sources, so another number is a mistake in the build.
const Protocol = 1

// Exit statuses of a worker that passes on what became of its guest.
const (
	// MemoryExit: the guest wanted more memory than it may have.
	MemoryExit = 67
	// GarbledExit: the guest did not keep to the protocol.
	GarbledExit = 68
)

// Hello is the first frame of a guest.
type Hello struct {
	Protocol int
	// Seeded is true when all that a job draws comes from its entropy.
	Seeded bool
	// Go is the version of Go that the guest was built with.
	Go string
}

// Job is what a guest is to run.
type Job struct {
	Plan    *plan.Plan
	Entropy uint64
	// Engine, Build and Profile stand in the trace's header.
	Engine  string
	Build   string
	Profile string `json:",omitempty"`
	// Spill asks for the pieces of the trace as they are made; 0 for no, 1 for yes. A job
	// is as long in either case, for what a guest allocates decides when it collects.
	Spill int
}

// Answer is what became of a job.
type Answer struct {
	// Error is why the job was not run; empty when a trace follows.
	Error string
	// Footer is the last line of the trace.
	Footer trace.Footer
	// CPU is the processor time spent, as far as the guest can tell.
	CPU time.Duration
}

type frameKind byte

const (
	helloFrame  frameKind = 'h'
	jobFrame    frameKind = 'j'
	answerFrame frameKind = 'a'
	traceFrame  frameKind = 't'
	pieceFrame  frameKind = 'p'
)

func (k frameKind) String() string {
	switch k {
	case helloFrame:
		return "hello"
	case jobFrame:
		return "job"
	case answerFrame:
		return "answer"
	case traceFrame:
		return "trace"
	case pieceFrame:
		return "piece of a trace"
	}
	return fmt.Sprintf("kind 0x%02x", byte(k))
}

const (
	headerSize = 9 // length, kind, checksum
	// maxFrame bounds what a garbled length makes the reader believe.
	maxFrame = 2 << 30
	// maxStep is how much is allocated before as much has arrived.
	maxStep = 16 << 20
)

// WriteHello writes the first frame of a guest.
func WriteHello(w io.Writer, h Hello) error { return writeJSON(w, helloFrame, h) }

// ReadHello reads the first frame of a guest.
func ReadHello(r io.Reader) (Hello, error) {
	var h Hello
	if err := readJSON(r, helloFrame, &h); err != nil {
		return h, err
	}
	if h.Protocol != Protocol {
		return h, fmt.Errorf("wire: the guest speaks protocol %d, want %d", h.Protocol, Protocol)
	}
	return h, nil
}

// WriteJob writes a job.
func WriteJob(w io.Writer, j Job) error { return writeJSON(w, jobFrame, j) }

// ReadJob reads a job; io.EOF when there are no more.
func ReadJob(r io.Reader) (Job, error) {
	var j Job
	if err := readJSON(r, jobFrame, &j); err != nil {
		return j, err
	}
	if j.Plan == nil {
		return j, errors.New("wire: a job without a plan")
	}
	return j, nil
}

// WriteAnswer writes an answer and, unless it is an error, the trace.
func WriteAnswer(w io.Writer, a Answer, trace []byte) error {
	if err := writeJSON(w, answerFrame, a); err != nil || a.Error != "" {
		return err
	}
	return writeFrame(w, traceFrame, trace)
}

// WritePiece writes a piece of the trace that is being made.
func WritePiece(w io.Writer, piece []byte) error { return writeFrame(w, pieceFrame, piece) }

// AppendPiece appends the frame of as much of a piece as b has room for, and returns how
// much that is. It allocates nothing.
func AppendPiece(b, piece []byte) (int, []byte) {
	n := max(0, min(len(piece), cap(b)-len(b)-headerSize))
	b = appendHeader(b, pieceFrame, piece[:n])
	return n, append(b, piece[:n]...)
}

// ReadPieces reads the pieces that stand before an answer, which [ReadAnswer] then reads.
// The end of the stream is no error.
func ReadPieces(r *bufio.Reader) ([]byte, error) {
	var pieces []byte
	for {
		h, err := r.Peek(headerSize)
		if len(h) < headerSize && errors.Is(err, io.EOF) {
			return pieces, nil
		}
		if err != nil {
			return pieces, err
		}
		if frameKind(h[4]) != pieceFrame {
			return pieces, nil
		}
		piece, err := readFrame(r, pieceFrame)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return pieces, nil
		}
		if err != nil {
			return pieces, err
		}
		pieces = append(pieces, piece...)
	}
}

// ReadAnswer reads an answer and, unless it is an error, the trace. The end of the
// stream is io.ErrUnexpectedEOF wherever it comes.
func ReadAnswer(r io.Reader) (Answer, []byte, error) {
	var a Answer
	if err := readJSON(r, answerFrame, &a); err != nil {
		return a, nil, noEnd(err)
	}
	if a.Error != "" {
		return a, nil, nil
	}
	trace, err := readFrame(r, traceFrame)
	return a, trace, noEnd(err)
}

// noEnd turns a clean end of the stream into an unexpected one.
func noEnd(err error) error {
	if err == io.EOF {
		return fmt.Errorf("wire: the guest ended without an answer: %w", io.ErrUnexpectedEOF)
	}
	return err
}

func writeJSON(w io.Writer, kind frameKind, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("wire: %s: %w", kind, err)
	}
	return writeFrame(w, kind, b)
}

func readJSON(r io.Reader, kind frameKind, v any) error {
	b, err := readFrame(r, kind)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("wire: %s: %w", kind, err)
	}
	return nil
}

func writeFrame(w io.Writer, kind frameKind, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("wire: %s: %d bytes are too many for a frame", kind, len(payload))
	}
	var h [headerSize]byte
	if _, err := w.Write(appendHeader(h[:0], kind, payload)); err != nil {
		return fmt.Errorf("wire: %s: %w", kind, err)
	}
	if _, err := w.Write(payload); err != nil {
		return fmt.Errorf("wire: %s: %w", kind, err)
	}
	return nil
}

// appendHeader appends what stands before the payload of a frame.
func appendHeader(b []byte, kind frameKind, payload []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, byte(kind))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(payload))
}

// readFrame returns io.EOF when the stream ends before the frame, and an error
// that wraps io.ErrUnexpectedEOF when it ends inside.
func readFrame(r io.Reader, want frameKind) ([]byte, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, fmt.Errorf("wire: %s: cut off in the frame's header: %w", want, err)
	}
	size, kind, sum := binary.BigEndian.Uint32(h[0:]), frameKind(h[4]), binary.BigEndian.Uint32(h[5:])
	if kind != want {
		return nil, fmt.Errorf("wire: a frame of %s where %s was expected", kind, want)
	}
	if size > maxFrame {
		return nil, fmt.Errorf("wire: %s: a frame of %d bytes", want, size)
	}
	var payload []byte
	for uint32(len(payload)) < size {
		step := min(int(size)-len(payload), maxStep)
		from := len(payload)
		payload = append(payload, make([]byte, step)...)
		if n, err := io.ReadFull(r, payload[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("wire: %s: cut off after %d of %d bytes: %w", want, from+n, size, err)
		}
	}
	if crc32.ChecksumIEEE(payload) != sum {
		return nil, fmt.Errorf("wire: %s: the checksum of %d bytes is wrong", want, size)
	}
	return payload, nil
}
