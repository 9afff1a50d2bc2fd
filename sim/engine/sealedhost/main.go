// Command sealedhost runs a guest as WebAssembly for the sealed engine: it is that
// engine's worker process. It reads jobs from standard input, runs each in a fresh
// instance whose clock, entropy and sleep are functions of the job alone, and
// passes the answers on. It is a process of its own because compiled WebAssembly
// cannot be stopped from outside without slowing it down by more than half.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"dtsim/sim/engine/wire"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sealedhost GUEST COMPILED PAGES")
		os.Exit(1)
	}
	err := run(os.Args[1], os.Args[2], os.Args[3])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "sealedhost:", err)
	switch {
	case errors.Is(err, errMemory):
		os.Exit(wire.MemoryExit)
	case errors.Is(err, errGarbled):
		os.Exit(wire.GarbledExit)
	}
	os.Exit(1)
}

// run serves jobs. program is the file of the guest, compiled the folder for its
// machine code, limit the number of pages (of 64 KiB) an instance may have.
func run(program, compiled, limit string) error {
	pages, err := strconv.ParseUint(limit, 10, 32)
	if err != nil {
		return err
	}
	code, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	cache, err := wazero.NewCompilationCacheWithDir(compiled)
	if err != nil {
		return err
	}
	ctx := context.Background()
	host := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(cache).WithMemoryLimitPages(uint32(pages)))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, host); err != nil {
		return err
	}
	module, err := host.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.NumCPU()), code)
	if err != nil {
		return err
	}
	return serve(ctx, host, module)
}

// serve answers every job of standard input.
func serve(ctx context.Context, host wazero.Runtime, module wazero.CompiledModule) error {
	r, w := bufio.NewReader(os.Stdin), bufio.NewWriterSize(os.Stdout, 64<<10)
	hello := wire.Hello{Protocol: wire.Protocol, Seeded: true, Go: runtime.Version()}
	if err := errors.Join(wire.WriteHello(w, hello), w.Flush()); err != nil {
		return err
	}
	for {
		job, err := wire.ReadJob(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		started := wire.CPUTime()
		answer, trace, pieces, err := runInstance(ctx, host, module, job)
		if len(pieces) > 0 {
			if err := errors.Join(wire.WritePiece(w, pieces), w.Flush()); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		answer.CPU = wire.CPUTime() - started
		if err := errors.Join(wire.WriteAnswer(w, answer, trace), w.Flush()); err != nil {
			return err
		}
		runtime.GC() // the instance's memory
	}
}

var (
	errMemory  = errors.New("the guest is out of memory")
	errGarbled = errors.New("the guest broke the protocol")
)

// runInstance runs one job in an instance of its own. The pieces are those of its trace
// that it has sent, whatever became of it.
func runInstance(ctx context.Context, host wazero.Runtime, module wazero.CompiledModule, job wire.Job) (_ wire.Answer, trace, pieces []byte, _ error) {
	var in, out bytes.Buffer
	if err := wire.WriteJob(&in, job); err != nil {
		return wire.Answer{}, nil, nil, err
	}
	errs := &spy{to: os.Stderr}
	instance, err := host.InstantiateModule(ctx, module, world(job.Entropy).
		WithStdin(&in).WithStdout(&out).WithStderr(errs))
	if instance != nil {
		// It has ended and has nothing left to fail at.
		_ = instance.Close(ctx)
	}
	answer, trace, pieces, garbled := readInstance(&out)
	var exit *sys.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 0) {
		if errs.memory {
			return wire.Answer{}, nil, pieces, errMemory
		}
		return wire.Answer{}, nil, pieces, fmt.Errorf("the guest ended: %w", err)
	}
	if garbled != nil && !errors.Is(garbled, io.EOF) && !errors.Is(garbled, io.ErrUnexpectedEOF) {
		garbled = fmt.Errorf("%w: %w", errGarbled, garbled)
	}
	return answer, trace, pieces, garbled
}

// readInstance reads all that an instance wrote.
func readInstance(out io.Reader) (_ wire.Answer, trace, pieces []byte, _ error) {
	r := bufio.NewReader(out)
	if _, err := wire.ReadHello(r); err != nil {
		return wire.Answer{}, nil, nil, err
	}
	pieces, err := wire.ReadPieces(r)
	if err != nil {
		return wire.Answer{}, nil, pieces, err
	}
	answer, trace, err := wire.ReadAnswer(r)
	if _, more := r.Peek(1); err == nil && more == nil {
		err = errors.New("wire: there are bytes after the answer")
	}
	return answer, trace, pieces, err
}

// spy passes standard error on and notices the runtime's words for no memory.
type spy struct {
	to     io.Writer
	memory bool
}

func (s *spy) Write(p []byte) (int, error) {
	if text := string(p); strings.Contains(text, "out of memory") || strings.Contains(text, "cannot allocate memory") {
		s.memory = true
	}
	return s.to.Write(p)
}

// epoch is where the clock of an instance starts, and tick how much it advances
// each time it is read, so that a loop that waits for time to pass ends. Bubbles
// have a clock of their own; this one shows in no trace.
const (
	epoch = int64(1_700_000_000_000_000_000)
	tick  = int64(100)
)

// world is everything an instance can see, as a function of the entropy.
func world(entropy uint64) wazero.ModuleConfig {
	now := epoch
	var key [32]byte
	copy(key[:], "dtsim sealed")
	binary.BigEndian.PutUint64(key[24:], entropy)
	read := func() int64 { now += tick; return now }
	return wazero.NewModuleConfig().
		WithName("guest").
		WithArgs("guest").
		WithEnv("TZ", "UTC").
		WithEnv("GOTRACEBACK", "all").
		WithRandSource(rand.NewChaCha8(key)).
		WithNanotime(read, sys.ClockResolution(time.Nanosecond)).
		WithWalltime(func() (int64, int32) { t := read(); return t / 1e9, int32(t % 1e9) }, sys.ClockResolution(time.Nanosecond)).
		WithNanosleep(func(ns int64) { now += max(ns, 0) }).
		WithOsyield(func() {})
}
