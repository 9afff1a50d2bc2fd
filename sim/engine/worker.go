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
	// startTimeout is how long a worker may take until it says hello. The first one of
	// the sealed engine compiles its guest before.
	startTimeout = 5 * time.Minute
	// dumpTimeout is how long a worker may take to print its goroutines and end.
	dumpTimeout = 5 * time.Second
	// memoryCheck is how often the memory of a worker is looked at.
	memoryCheck = 200 * time.Millisecond
	// raceExit is the exit status of a worker in which the race detector found a race.
	raceExit = 66
)

// command says how the workers of an engine are started.
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
	cmd.WaitDelay = time.Second
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
	_, err = w.supervise(ctx, limits{timeout: startTimeout}, func() (err error) {
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

// limits bound one exchange with a worker; zero means unbounded.
type limits struct {
	timeout time.Duration
	memory  uint64
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
	timeout := time.NewTimer(l.timeout)
	defer timeout.Stop()
	memory := time.NewTicker(memoryCheck)
	defer memory.Stop()
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
		case <-timeout.C:
			askForDump(w.cmd)
			select {
			case <-w.ended:
			case <-time.After(dumpTimeout):
			}
			w.kill()
			<-done
			return 0, w.failure(Hung, fmt.Errorf("no answer within %s", l.timeout))
		case <-memory.C:
			if used := residentBytes(w.cmd.Process.Pid); l.memory > 0 && used > l.memory {
				w.kill()
				<-done
				return 0, w.failure(OutOfMemory, fmt.Errorf("it occupies %d MiB, the limit is %d MiB", used>>20, l.memory>>20))
			}
		}
	}
}

// diagnose ends the worker and returns why an exchange with it failed.
func (w *worker) diagnose(err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		w.kill()
		return w.failure(Garbled, err)
	}
	select { // its output has ended, and so has it, or it soon will have
	case <-w.ended:
	case <-time.After(dumpTimeout):
	}
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

// alive says whether the process has not ended yet.
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
	select {
	case <-w.ended:
	case <-time.After(dumpTimeout):
	}
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
