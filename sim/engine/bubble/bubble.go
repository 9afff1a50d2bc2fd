// Package bubble is the part of a guest that is the same whatever it runs: it
// reads jobs, runs each in a testing/synctest bubble of its own, and answers with
// the trace.
//
// Its one invariant: what happened in the process before a job does not show in
// the job's trace. It knows nothing of what a plan means.
package bubble

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"testing/synctest"

	"dtsim/sim/engine/wire"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Runner runs a plan, records its events in rec and returns the verdict. It is called
// inside a bubble, and every goroutine it started must have ended when it returns. An
// error means that the plan could not be run at all.
type Runner func(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error)

// Main serves jobs from standard input until it ends, and then ends the process.
// What the program writes to os.Stdout meanwhile goes to standard error.
func Main(run Runner) {
	out := os.Stdout
	os.Stdout = os.Stderr
	os.Args = os.Args[:1]
	// The public way to a *testing.T outside of go test.
	everything := func(string, string) (bool, error) { return true, nil }
	testing.Main(everything, []testing.InternalTest{{Name: "Guest", F: func(t *testing.T) {
		if err := serve(t, os.Stdin, out, run); err != nil {
			fmt.Fprintln(os.Stderr, "guest:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}}}, nil, nil)
}

// serve answers every job of in.
func serve(t *testing.T, in io.Reader, out *os.File, run Runner) error {
	r, w := bufio.NewReader(in), bufio.NewWriterSize(out, 64<<10)
	hello := wire.Hello{Protocol: wire.Protocol, Seeded: seeded, Go: runtime.Version()}
	if err := errors.Join(wire.WriteHello(w, hello), w.Flush()); err != nil {
		return err
	}
	sent.to = rawFile(out)
	var buf bytes.Buffer
	for {
		job, err := wire.ReadJob(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		buf.Reset()
		var spill io.Writer
		if job.Spill != 0 {
			spill = &sent
		}
		answer := serveJob(t, job, &buf, spill, run)
		if err := errors.Join(wire.WriteAnswer(w, answer, buf.Bytes()), w.Flush()); err != nil {
			return err
		}
	}
}

// serveJob runs one job in a fresh bubble.
func serveJob(t *testing.T, job wire.Job, buf *bytes.Buffer, spill io.Writer, run Runner) wire.Answer {
	var answer wire.Answer
	cleanSlate(job.Entropy)
	before := wire.CPUTime()
	synctest.Test(t, func(*testing.T) {
		footer, err := record(job, buf, spill, run)
		if err != nil {
			answer.Error = err.Error()
			return
		}
		answer.Footer = footer
	})
	answer.CPU = wire.CPUTime() - before
	return answer
}

// record runs a job and writes its trace to w, and each event at once to spill when that
// is not nil.
func record(job wire.Job, w, spill io.Writer, run Runner) (trace.Footer, error) {
	rec, err := trace.NewRecorder(w, trace.Header{
		Plan: *job.Plan, Engine: job.Engine, Entropy: job.Entropy, Build: job.Build, Profile: job.Profile,
	})
	if err != nil {
		return trace.Footer{}, err
	}
	if spill != nil {
		rec.Spill(spill)
	}
	verdict, err := run(job.Plan, rec)
	if err != nil {
		return trace.Footer{}, err
	}
	return rec.Close(verdict)
}
