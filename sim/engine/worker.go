package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"dtsim/sim/engine/wire"
)

const (
	// startLimit is how much processor time a worker may use until its hello. The first
	// one of the sealed engine compiles its guest before.
	startLimit = 20 * time.Minute
	// stallLimit is how long, in wall time, a worker may use no processor time.
	stallLimit = 10 * time.Minute
	// endTimeout is how long, in wall time, a worker may take to print its goroutines and
	// end. It costs a dump, never a verdict.
	endTimeout = time.Minute
	// checkEvery is how often the memory and the processor time of a worker are read.
	checkEvery = 200 * time.Millisecond
	// raceExit is the exit status of a worker in which the race detector found a race.
	raceExit = 66
)

// command is how the workers of an engine are started.
type command struct {
	engine  string
	program string
	args    []string
	// env is the whole environment: nothing of ours gets in.
	env []string
}

// worker is one process that runs the guest. It is for one goroutine at a time,
// but for kill.
type worker struct {
	engine string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	output *os.File
	stdout *bufio.Reader // reads output
	stderr *stderr
	jobs   int
	ended  chan struct{} // closed once the process has been waited for
	status error         // of the process, after ended
}

// start starts a worker and waits for its hello.
func (c command) start(ctx context.Context) (*worker, error) {
	cmd := exec.Command(c.program, c.args...)
	cmd.Args[0] = "guest" // wherever it lies
	cmd.Env, cmd.Dir = c.env, filepath.Dir(c.program)
	cmd.WaitDelay = endTimeout
	ownGroup(cmd)
	w := &worker{engine: c.engine, cmd: cmd, stderr: new(stderr), ended: make(chan struct{})}
	cmd.Stderr = w.stderr
	var err error
	if w.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// Not StdoutPipe, which loses what is unread when the process ends.
	output, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, w.output, w.stdout = theirs, output, bufio.NewReaderSize(output, 256<<10)
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		output.Close()
		return nil, err
	}
	go func() {
		w.status = cmd.Wait()
		close(w.ended)
	}()

	var hello wire.Hello
	_, err = w.supervise(ctx, limits{cpu: startLimit, stall: stallLimit}, func() (err error) {
		hello, err = wire.ReadHello(w.stdout)
		return err
	})
	if err == nil && !hello.Seeded {
		err = errors.New("the guest was built without the seeded runtime")
	}
	if err != nil {
		w.kill()
		return nil, fmt.Errorf("a worker does not start: %w", err)
	}
	return w, nil
}

// limits bound one exchange with a worker.
type limits struct {
	// cpu is processor time; see [Options.CPULimit].
	cpu time.Duration
	// stall is the wall time in which the worker uses no processor time.
	stall time.Duration
	// memory is in bytes; zero means unbounded.
	memory uint64
}

// run gives the worker a job. After an error the worker is dead.
func (w *worker) run(ctx context.Context, job wire.Job, l limits) (wire.Answer, []byte, time.Duration, error) {
	w.jobs++
	w.stderr.Reset()
	var answer wire.Answer
	var trace, pieces []byte
	took, err := w.supervise(ctx, l, func() error {
		err := wire.WriteJob(w.stdin, job)
		if err != nil {
			return fmt.Errorf("%w (%w)", io.ErrUnexpectedEOF, err)
		}
		if job.Spill != 0 {
			if pieces, err = wire.ReadPieces(w.stdout); err != nil {
				return err
			}
		}
		answer, trace, err = wire.ReadAnswer(w.stdout)
		return err
	})
	var failure *GuestError
	if errors.As(err, &failure) {
		failure.recorded = pieces
	}
	return answer, trace, took, err
}

// supervise calls exchange and ends the worker when that fails, when ctx ends or
// when the worker goes out of bounds. The error is ctx.Err() or a *GuestError.
func (w *worker) supervise(ctx context.Context, l limits, exchange func() error) (time.Duration, error) {
	started := time.Now()
	done := make(chan error, 1)
	go func() { done <- exchange() }()
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	before := cpuTime(w.cmd.Process.Pid)
	used, usedAt := before, started
	for {
		select {
		case err := <-done:
			if err != nil {
				return 0, w.diagnose(err)
			}
			return time.Since(started), nil
		case <-ctx.Done():
			w.kill()
			<-done
			return 0, ctx.Err()
		case <-check.C:
			if now := cpuTime(w.cmd.Process.Pid); now != used {
				used, usedAt = now, time.Now()
			}
			switch held := residentBytes(w.cmd.Process.Pid); {
			case used-before > l.cpu:
				return 0, w.hung(done, fmt.Errorf("no answer within %s of processor time", l.cpu))
			case time.Since(usedAt) > l.stall:
				return 0, w.hung(done, fmt.Errorf("no answer, and no processor time used for %s", l.stall))
			case l.memory > 0 && held > l.memory:
				w.kill()
				<-done
				return 0, w.failure(OutOfMemory, fmt.Errorf("it occupies %d MiB, the limit is %d MiB", held>>20, l.memory>>20))
			}
		}
	}
}

// hung ends the worker, with a dump of its goroutines if it prints one, and waits for the
// exchange that done is of.
func (w *worker) hung(done <-chan error, err error) error {
	askForDump(w.cmd)
	w.waitForEnd()
	w.kill()
	<-done
	return w.failure(Hung, err)
}

// waitForEnd waits until the process has ended, but not for ever.
func (w *worker) waitForEnd() {
	select {
	case <-w.ended:
	case <-time.After(endTimeout):
	}
}

// diagnose ends the worker and returns why an exchange with it failed.
func (w *worker) diagnose(err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		w.kill()
		return w.failure(Garbled, err)
	}
	w.waitForEnd() // its output has ended, and so has it, or it soon will have
	w.kill()
	var exit *exec.ExitError
	switch {
	case !errors.As(w.status, &exit):
		return w.failure(Crashed, errors.New("it ended in the middle of a job"))
	case exit.ExitCode() == raceExit && strings.Contains(w.stderr.String(), "DATA RACE"):
		return w.failure(Raced, nil)
	case exit.ExitCode() == wire.MemoryExit:
		return w.failure(OutOfMemory, nil)
	case exit.ExitCode() == wire.GarbledExit:
		return w.failure(Garbled, nil)
	}
	return w.failure(Crashed, exit)
}

// failure is the error for a worker that has ended.
func (w *worker) failure(how Failure, err error) error {
	return &GuestError{Engine: w.engine, How: how, Err: err, Stderr: w.stderr.String()}
}

// alive reports whether the process has not ended yet.
func (w *worker) alive() bool {
	select {
	case <-w.ended:
		return false
	default:
		return true
	}
}

// stop lets the worker end by itself.
func (w *worker) stop() {
	w.stdin.Close()
	w.waitForEnd()
	w.kill()
}

// kill ends the worker and waits until it has ended. It is safe for concurrent use.
func (w *worker) kill() {
	if w.alive() {
		killGroup(w.cmd)
		<-w.ended
	}
	w.output.Close()
}
