package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"dtsim/sim/engine/build"
	"dtsim/sim/engine/wire"
)

// SealedName is the name of the engine that Sealed returns.
const SealedName = "sealed"

const (
	wasmPage  = 64 << 10
	wasmPages = 65536 // 4 GiB, all that 32 bits can address

	// sealedEpoch is where the clock of an instance starts, and sealedTick how much it
	// advances each time it is read, so that a loop that waits for time to pass ends.
	// Bubbles have a clock of their own; this one shows in no trace.
	sealedEpoch = int64(1_700_000_000_000_000_000)
	sealedTick  = int64(100)
)

// sealed runs the guest in WebAssembly instances, a fresh one for every job.
type sealed struct {
	options Options
	guest   build.Guest
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	module  wazero.CompiledModule

	closed atomic.Bool
	// running holds off Close until no instance runs.
	running sync.RWMutex
}

// Sealed returns the engine that runs the guest as a WebAssembly module. It builds
// the guest if there is no build of it yet. The error is an [*UnavailableError],
// or ctx.Err().
func Sealed(ctx context.Context, o Options) (Engine, error) {
	o = o.withDefaults()
	s, err := newSealed(ctx, o)
	if err != nil {
		return nil, unavailable(ctx, SealedName, err)
	}
	return s, nil
}

func newSealed(ctx context.Context, o Options) (*sealed, error) {
	if o.Race {
		return nil, errors.New("there is no race detector for WebAssembly")
	}
	guest, err := build.Make(ctx, build.Request{
		Name: SealedName, Dir: o.Dir, Package: o.Guest, CacheDir: o.CacheDir, Log: o.Log,
		Target: build.Target{GOOS: "wasip1", GOARCH: "wasm"},
	})
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(guest.Path)
	if err != nil {
		return nil, err
	}
	compiled := filepath.Join(guest.Dir, "compiled")
	if _, err := os.Stat(compiled); err != nil {
		o.Log("compiling the sealed guest (some seconds, once)")
	}
	s := &sealed{options: o, guest: guest}
	if s.cache, err = wazero.NewCompilationCacheWithDir(compiled); err != nil {
		return nil, err
	}
	config := wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(s.cache).
		WithCloseOnContextDone(true).
		WithMemoryLimitPages(uint32(min(o.MemoryLimit/wasmPage, wasmPages)))
	s.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, s.runtime); err == nil {
		s.module, err = s.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, goruntime.NumCPU()), program)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Name returns SealedName.
func (s *sealed) Name() string { return SealedName }

// Run runs the job in an instance of its own.
func (s *sealed) Run(ctx context.Context, job Job) (Result, error) {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed.Load() {
		return Result{}, errClosed
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	var in, out bytes.Buffer
	if err := wire.WriteJob(&in, wire.Job{Plan: job.Plan, Entropy: job.Entropy, Engine: SealedName, Build: s.guest.ID}); err != nil {
		return Result{}, err
	}
	errs := new(stderr)
	limited, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()

	started := time.Now()
	instance, err := s.runtime.InstantiateModule(limited, s.module, instanceConfig(job.Entropy).
		WithStdin(&in).WithStdout(&out).WithStderr(errs))
	wall := time.Since(started)
	if instance != nil {
		// An instance that has ended has nothing left to fail.
		_ = instance.Close(context.WithoutCancel(ctx))
	}
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if failure := s.autopsy(limited, err, errs.String()); failure != nil {
		return Result{}, failure
	}
	answer, trace, err := readInstance(&out)
	if err != nil {
		return Result{}, &GuestError{Engine: SealedName, How: Garbled, Err: err, Stderr: errs.String()}
	}
	if answer.Error != "" {
		return Result{}, &GuestError{Engine: SealedName, How: Refused, Err: errors.New(answer.Error)}
	}
	return Result{Trace: trace, Footer: answer.Footer, Wall: wall, CPU: wall}, nil
}

// readInstance reads all that an instance said.
func readInstance(out *bytes.Buffer) (wire.Answer, []byte, error) {
	if _, err := wire.ReadHello(out); err != nil {
		return wire.Answer{}, nil, err
	}
	answer, trace, err := wire.ReadAnswer(out)
	if err == nil && out.Len() > 0 {
		err = fmt.Errorf("wire: %d bytes after the answer", out.Len())
	}
	return answer, trace, err
}

// autopsy says why an instance did not end well, nil if it did.
func (s *sealed) autopsy(ctx context.Context, err error, errs string) error {
	var exit *sys.ExitError
	if err == nil || errors.As(err, &exit) && exit.ExitCode() == 0 {
		return nil
	}
	failure := &GuestError{Engine: SealedName, How: Crashed, Err: err, Stderr: errs}
	switch {
	case ctx.Err() != nil:
		failure.How, failure.Err = Hung, fmt.Errorf("no answer within %s", s.options.Timeout)
	case strings.Contains(errs, "out of memory"), strings.Contains(errs, "cannot allocate memory"):
		failure.How, failure.Err = OutOfMemory, fmt.Errorf("the limit is %d MiB", s.options.MemoryLimit>>20)
	}
	return failure
}

// instanceConfig gives an instance a world that is a function of the entropy.
func instanceConfig(entropy uint64) wazero.ModuleConfig {
	now := sealedEpoch
	var key [32]byte
	copy(key[:], "dtsim sealed")
	binary.BigEndian.PutUint64(key[24:], entropy)
	tick := func() int64 { now += sealedTick; return now }
	return wazero.NewModuleConfig().
		WithName(""). // so that several can be there at once
		WithArgs("guest").
		WithEnv("TZ", "UTC").
		WithEnv("GOTRACEBACK", "all").
		WithEnv("GOGC", os.Getenv("XGOGC")).
		WithRandSource(rand.NewChaCha8(key)).
		WithNanotime(tick, sys.ClockResolution(time.Nanosecond)).
		WithWalltime(func() (int64, int32) { t := tick(); return t / 1e9, int32(t % 1e9) }, sys.ClockResolution(time.Nanosecond)).
		WithNanosleep(func(ns int64) { now += max(ns, 0) }).
		WithOsyield(func() {})
}

// Close waits for runs that go on, and frees everything.
func (s *sealed) Close() error {
	s.closed.Store(true)
	s.running.Lock()
	defer s.running.Unlock()
	ctx := context.Background()
	return errors.Join(s.runtime.Close(ctx), s.cache.Close(ctx))
}
