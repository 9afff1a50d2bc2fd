package engine

import (
	"fmt"
	"strings"
)

// UnavailableError is the error if an engine cannot be used here at all: there is no Go
// toolchain, the working directory is not in the module, the guest does not
// compile, or the overlay does not know this version of Go. Another engine may
// still be available.
type UnavailableError struct {
	// Engine is the name of the engine.
	Engine string
	// Err is the reason.
	Err error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the %s engine is not available: %v", e.Engine, e.Err)
}

// Unwrap returns the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Failure is how a guest failed.
type Failure string

// The ways a guest fails.
const (
	// Crashed: the guest ended, by a panic that nothing recovered or a fatal error.
	Crashed Failure = "crashed"
	// Hung: it used up [Options.CPULimit], or stopped using the processor.
	Hung Failure = "hung"
	// OutOfMemory: it passed Options.MemoryLimit.
	OutOfMemory Failure = "ran out of memory"
	// Raced: the race detector found a data race.
	Raced Failure = "has a data race"
	// Garbled: what it wrote does not follow the protocol.
	Garbled Failure = "broke the protocol"
	// Refused: it would not run the job.
	Refused Failure = "refused the job"
)

// GuestError is the failure of a guest at one job. Under an engine with [Options.Judge]
// it is a failure of the harness; without, it may be one of the system as a program (a
// panic, a deadlock), too.
type GuestError struct {
	Engine string
	How    Failure
	// Err has the details, and may be nil.
	Err error
	// Stderr is what the guest wrote to standard error during this job: a panic, the
	// dump of all goroutines. The middle of a long one is cut out.
	Stderr string
	// recorded is the beginning of the trace, if the guest was to send it piece by piece.
	recorded []byte
}

func (e *GuestError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the %s guest %s", e.Engine, e.How)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Stderr != "" {
		fmt.Fprintf(&b, "\n%s", strings.TrimRight(e.Stderr, "\n"))
	}
	return b.String()
}

// Unwrap returns Err.
func (e *GuestError) Unwrap() error { return e.Err }
