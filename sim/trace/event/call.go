package event

import "dtsim/sim/trace"

// Called: a client operation begins.
type Called struct {
	// Op is its number: its position in the workload; behind those the position of the fault
	// that lets an operator do it; above both for what the application calls itself.
	Op int64
	// Do names the operation.
	Do string
	// Details are the application's own fields of the operation.
	Details []trace.Field
}

func (*Called) Kind() trace.Kind { return trace.Called }
func (b *Called) Schema(s *trace.Schema) {
	s.Int("op", &b.Op)
	s.Str("do", &b.Do)
	s.Rest(&b.Details)
}

// Proposed: the command of an operation got a request id, under which it is committed if
// ever.
type Proposed struct {
	Op      int64
	Request Request
}

func (*Proposed) Kind() trace.Kind { return trace.Proposed }
func (b *Proposed) Schema(s *trace.Schema) {
	s.Int("op", &b.Op)
	s.Str("client", &b.Request.Client)
	s.Uint("seq", &b.Request.Seq)
}

// The outcomes of an operation that has ended, as its client gets them.
const (
	// OK: it took effect.
	OK = "ok"
	// Rejected: the log has refused it.
	Rejected = "rejected"
	// Ambiguous: it may take effect, now or later.
	Ambiguous = "ambiguous"
	// NoEffect: it has had no effect and will have none.
	NoEffect = "error"
)

// Returned: an operation ended.
type Returned struct {
	Op int64
	Do string
	// Outcome is [OK], [Rejected], [Ambiguous] or [NoEffect], Error the error.
	Outcome, Error string
	// Class is the verdict of a rejection as its caller recognises it; see [Verdict].
	Class string
}

func (*Returned) Kind() trace.Kind { return trace.Returned }
func (b *Returned) Schema(s *trace.Schema) {
	s.Int("op", &b.Op)
	s.Str("do", &b.Do)
	s.Str("outcome", &b.Outcome)
	s.OptStr("error", &b.Error)
	s.OptStr("class", &b.Class)
}

// FileWritten: a file was written.
type FileWritten struct {
	File string
	Size int64
}

func (*FileWritten) Kind() trace.Kind { return trace.FileWritten }
func (b *FileWritten) Schema(s *trace.Schema) {
	s.Str("file", &b.File)
	s.Int("size", &b.Size)
}

// FileRenamed: a file got the name To.
type FileRenamed struct{ File, To string }

func (*FileRenamed) Kind() trace.Kind { return trace.FileRenamed }
func (b *FileRenamed) Schema(s *trace.Schema) {
	s.Str("file", &b.File)
	s.Str("to", &b.To)
}

// FileRemoved: a file was removed.
type FileRemoved struct{ File string }

func (*FileRemoved) Kind() trace.Kind         { return trace.FileRemoved }
func (b *FileRemoved) Schema(s *trace.Schema) { s.Str("file", &b.File) }
