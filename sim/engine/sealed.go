package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"dtsim/sim/engine/build"
)

// SealedName is the name of the engine that [Sealed] returns.
const SealedName = "sealed"

const (
	hostPackage = "dtsim/sim/engine/sealedhost"

	wasmPage  = 64 << 10
	wasmPages = 65536 // 4 GiB, all that 32 bits can address
	// growth is how many times its size an instance's memory may occupy for a moment:
	// it grows by being copied, and the old copy is garbage.
	growth = 3
)

// Sealed returns the engine that runs the guest as a WebAssembly module, a fresh
// instance for every job. It builds the guest, and the program that runs it, if
// there is no build of them yet. The error is an [*UnavailableError], or ctx.Err().
func Sealed(ctx context.Context, o Options) (Engine, error) {
	n, err := sealed(ctx, o.withDefaults())
	if err != nil {
		return nil, unavailable(ctx, SealedName, err)
	}
	return n, nil
}

func sealed(ctx context.Context, o Options) (*workers, error) {
	if o.Race {
		return nil, errors.New("there is no race detector for WebAssembly")
	}
	if len(o.Cover) > 0 {
		return nil, errors.New("the sealed guest counts nothing that it enters")
	}
	if o.Choice != "" {
		return nil, fmt.Errorf("the sealed guest has no environment to find %s in", o.Choice)
	}
	request := build.Request{
		Name: "sealed guest", Dir: o.Dir, Package: o.Guest, CacheDir: o.CacheDir, Edits: o.Edits, Log: o.Log,
		Instrument: o.Instrument, With: o.With,
		Target: build.Target{GOOS: "wasip1", GOARCH: "wasm"},
	}
	guest, err := build.Make(ctx, request)
	var unknown *build.UnknownVersionError
	if errors.As(err, &unknown) && len(o.Instrument) > 0 {
		o.Log(fmt.Sprintf("%v; the sealed guest is built without points: it holds no goroutine up", err))
		request.Instrument = nil
		guest, err = build.Make(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	host, err := build.Make(ctx, build.Request{
		Name: "host of the sealed guest", Dir: o.Dir, Package: hostPackage, CacheDir: o.CacheDir, Log: o.Log,
		Target: build.Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH},
	})
	if err != nil {
		return nil, err
	}
	compiled := filepath.Join(guest.Dir, "compiled")
	if _, err := os.Stat(compiled); err != nil {
		o.Log("compiling the sealed guest (some seconds, once)")
	}
	pages := min(o.MemoryLimit/growth/wasmPage, wasmPages)
	return newWorkers(ctx, o, command{
		engine:  SealedName,
		program: host.Path,
		args:    []string{guest.Path, compiled, strconv.FormatUint(pages, 10)},
		env:     []string{"TZ=UTC", "GOTRACEBACK=all"},
	}, o.named(guest.ID))
}
