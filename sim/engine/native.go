package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"dtsim/sim/engine/build"
)

// NativeName is the name of the engine that [Native] returns.
const NativeName = "native"

// nativeEnv is the environment of a native guest: one P, the collector runs only when
// the guest asks for it, and stacks keep the size that the overlay starts them with.
var nativeEnv = []string{
	"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=off",
	"GODEBUG=asyncpreemptoff=1,adaptivestackstart=0,gcshrinkstackoff=1",
	"GOTRACEBACK=all", "TZ=UTC",
	fmt.Sprintf("GORACE=halt_on_error=1 exitcode=%d atexit_sleep_ms=0", raceExit),
}

// Native returns the engine that runs the guest as processes of the host, with a
// seeded runtime. It builds the guest if there is no build of it yet. The error
// is an [*UnavailableError], or ctx.Err().
func Native(ctx context.Context, o Options) (Engine, error) {
	o = o.withDefaults()
	guest, err := build.Make(ctx, build.Request{
		Name: "native guest", Dir: o.Dir, Package: o.Guest, CacheDir: o.CacheDir, Edits: o.Edits, Log: o.Log,
		// The toolchain counts in files as they are, and in none that stands in for another.
		Instrument: slices.DeleteFunc(slices.Clone(o.Instrument), func(pkg string) bool { return slices.Contains(o.Cover, pkg) }), With: o.With,
		Target: build.Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH, Seeded: true, Race: o.Race, Cover: strings.Join(o.Cover, ",")},
	})
	if err != nil {
		return nil, unavailable(ctx, NativeName, err)
	}
	env, id := nativeEnv, o.named(guest.ID)
	if len(o.Cover) > 0 {
		env = append(slices.Clone(env), "GOCOVERDIR="+o.CoverDir)
	}
	if o.Choice != "" {
		sum := sha256.Sum256([]byte(id + "\n" + o.Choice))
		env, id = append(slices.Clone(env), o.Choice), o.named(hex.EncodeToString(sum[:])[:len(guest.ID)])
	}
	n, err := newWorkers(ctx, o, command{engine: NativeName, program: guest.Path, env: env}, id)
	if err != nil {
		return nil, unavailable(ctx, NativeName, err)
	}
	return n, nil
}

// named returns the name of a build: its id, and which other versions of modules it is built with.
func (o Options) named(id string) string {
	for i, r := range o.With {
		if r.Path != "" {
			r.Path = filepath.Base(r.Path) // where it lies belongs to this machine
		}
		id += []string{" with ", ", "}[min(i, 1)] + r.String()
	}
	return id
}

// VersionsOf returns the other versions of modules that a build was made with, by its name, each as
// [build.ParseReplacement] reads it. Folders are not among them: where they lie is not in the name.
func VersionsOf(name string) []string {
	_, list, _ := strings.Cut(name, " with ")
	var all []string
	for _, text := range strings.Split(list, ", ") {
		if r, err := build.ParseReplacement(text); err == nil && r.Path == "" {
			all = append(all, text)
		}
	}
	return all
}

// unavailable is the error of a constructor.
func unavailable(ctx context.Context, engine string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &UnavailableError{Engine: engine, Err: err}
}
