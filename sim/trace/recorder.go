package trace

import (
	"errors"
	"io"
)

// Recorder writes the trace of one run. It is safe for concurrent use; the order
// of the calls is the order in the file. A nil *Recorder records nothing.
type Recorder struct{}

// NewRecorder writes the header and returns a recorder for the events of the run.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) { return nil, errors.ErrUnsupported }

// Emit appends an event. It keeps nothing of e.
func (r *Recorder) Emit(e Event) {}

// Watch calls f with every later event of these kinds (of all kinds when none is
// given), in the order of the file, before Emit returns. f must not emit.
func (r *Recorder) Watch(f func(Event), kinds ...Kind) {}

// Close writes the footer. It does not close the writer.
func (r *Recorder) Close(v Verdict) (Footer, error) { return Footer{}, errors.ErrUnsupported }
