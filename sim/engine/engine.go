// Package engine runs plans: it turns (plan, entropy, build) into a
// trace, the same bytes every time.
//
// Both engines run the same guest program, which the application gives (see package
// sim/engine/bubble): it reads jobs, runs each in a fresh testing/synctest bubble and
// writes whole traces.
//
//   - [Native] runs it as a process of the host, compiled with a seeded runtime
//     (package sim/engine/build). It is fast and deterministic for one build.
//   - [Sealed] runs it as a WebAssembly module whose clock, entropy and sleep are
//     the host's to give. It is slower and deterministic on every machine.
//
// The guest is built with the Go toolchain on first use and kept in a cache; see
// [Options]. A run that the system has ended, by a panic, a deadlock or a goroutine left
// behind, has a trace and a verdict like any other. The package knows nothing of clusters,
// properties or scenarios.
package engine

import (
	"context"
	"time"

	"dtsim/sim/engine/build"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Engine runs plans. It is safe for concurrent use; every Run that goes on at the
// same time occupies a worker of its own.
type Engine interface {
	// Name is "native" or "sealed"; it stands in the header of every trace.
	Name() string
	// Run runs one job to its end and returns its trace. An error is a failure of
	// the harness, never a verdict: a [*GuestError] when the guest hung, went out of
	// bounds or crashed by no fault of the system, ctx.Err() when ctx ended. It costs
	// this job alone.
	Run(ctx context.Context, job Job) (Result, error)
	// Close ends all workers. Runs that go on fail.
	Close() error
}

// Job is what a trace is a function of, together with the build.
type Job struct {
	// Plan is valid.
	Plan *plan.Plan
	// Entropy feeds what the Go runtime would otherwise draw: the order of
	// goroutines, select, maps, timers of one instant, math/rand, crypto/rand.
	Entropy uint64
}

// Result is what a run gave.
type Result struct {
	// Trace is the whole trace file.
	Trace []byte
	// Footer is its last line.
	Footer trace.Footer
	// Wall is how long the guest worked on the job, without the start of a worker.
	Wall time.Duration
	// CPU is the processor time that took; 0 where the system cannot tell.
	CPU time.Duration
}

// Options are how an engine builds and supervises its guest. All but Guest may be zero.
type Options struct {
	// Log is called with what takes long ("building the native guest ..."); may be nil.
	Log func(message string)
	// Dir is a directory inside the module that the guest is built from; empty for
	// the working directory.
	Dir string
	// Guest is the import path (or a ./path from Dir) of the guest program.
	Guest string
	// System are import path prefixes of packages that count as the system in crash
	// triage, libraries that the harness calls in its name among them. Other libraries
	// count as part of whatever calls them.
	System []string
	// Judge judges the trace of a run that the system has ended, as the guest does that
	// of any other run. Nil means no crash triage: such a run is a [*GuestError].
	Judge trace.Judge
	// Profile stands in the header of every trace, where the guest and Judge find it.
	Profile string
	// Edits are compiled in place of files of the module and of its dependencies, to see what
	// a change of the system comes to.
	Edits build.Edits
	// Instrument are the import paths of packages whose goroutines can be held up between two
	// statements, and whose clock is that of their node; see package sim/stall. Where the
	// installed Go is not known, the sealed guest does without.
	Instrument []string
	// With are other versions of modules to build the guest with.
	With []build.Replacement
	// Choice is a variable of the environment, NAME=value, by which the native guest with
	// these edits chooses what it is; empty for none. It counts as part of the build.
	Choice string
	// CacheDir is where builds are kept; empty for the environment's DTSIM_CACHE, or
	// else dtsim in the user's cache directory.
	CacheDir string
	// Race builds the native guest with the race detector. A race found ends the run
	// with a [*GuestError]. The sealed engine has no race detector and refuses it.
	Race bool
	// Cover are the import paths of packages of which the native guest counts what is entered, in files
	// of the toolchain in CoverDir: a worker writes them when it ends by itself. Their goroutines are
	// not held up.
	Cover    []string
	CoverDir string
	// CPULimit is how much processor time a guest may use for one job before it counts as
	// hung; zero for [DefaultCPULimit]. Wall time does not count, however loaded the
	// machine is, unless the guest uses no processor time at all for ten minutes, or for
	// CPULimit if that is longer. Where the system cannot tell, it seems to use none.
	CPULimit time.Duration
	// MemoryLimit is how many bytes one worker may occupy; zero for
	// [DefaultMemoryLimit]. The guest of a sealed worker may have a third of it.
	MemoryLimit uint64
	// PlansPerWorker is after how many jobs a worker is replaced; zero for
	// [DefaultPlansPerWorker].
	PlansPerWorker int
}

// The defaults of Options.
const (
	DefaultCPULimit       = 2 * time.Minute
	DefaultMemoryLimit    = 3 << 30
	DefaultPlansPerWorker = 500
)

// withDefaults returns o with every zero filled in.
func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.CPULimit == 0 {
		o.CPULimit = DefaultCPULimit
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	if o.PlansPerWorker == 0 {
		o.PlansPerWorker = DefaultPlansPerWorker
	}
	return o
}
