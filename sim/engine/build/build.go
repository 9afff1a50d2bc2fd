// Package build makes guest programs with the Go toolchain and keeps them.
//
// A build is keyed by everything it is made from, so it is made once and never
// stale. The package knows what a guest is compiled for and with, not what it does.
package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
)

// Target is what a guest is compiled for.
type Target struct {
	GOOS, GOARCH string
	// Seeded compiles with the seeded runtime; its draws are functions of the entropy.
	Seeded bool
	// Race compiles with the race detector.
	Race bool
}

// Host is what go build compiles for here.
func Host() Target { return Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH} }

// ordinary reports whether the target is what go build compiles for here, so that the
// packages which have been compiled already can be used.
func (t Target) ordinary() bool {
	return t == Host()
}

// flags are those of go build and go list.
func (t Target) flags() []string {
	if t.ordinary() {
		return nil
	}
	flags, tags := []string{"-trimpath"}, "netgo,osusergo"
	if t.Race {
		flags = append(flags, "-race")
	}
	if t.Seeded {
		tags += ",dtsim_seeded"
	}
	return append(flags, "-tags="+tags)
}

// Request is an order for a build.
type Request struct {
	// Name is how the program is called in messages, "native guest" for example.
	Name string
	// Dir is a directory inside the module; empty for the working directory.
	Dir string
	// Package is the import path of the program, or a ./path from Dir.
	Package string
	Target  Target
	// Edits are compiled in place of files of the module.
	Edits Edits
	// CacheDir is where builds are kept; see [CacheDir].
	CacheDir string
	// Log is called with a message before each step that takes long.
	Log func(message string)
}

// Guest is a program that was built.
type Guest struct {
	// ID identifies what it was built from; the same on every machine.
	ID string
	// Path is the file of the program.
	Path string
	// Dir is the guest's folder in the cache, for what belongs to this build.
	Dir string
}

// Make returns the guest that a request asks for, from the cache or newly built.
// Several processes may do so at once; one builds and the others wait for it. The
// error wraps [ErrNoToolchain] or [ErrOutsideModule], is an
// [*UnknownVersionError], or holds what the go command printed.
func Make(ctx context.Context, r Request) (Guest, error) {
	tc, err := findToolchain(ctx, r.Dir, r.Target)
	if err != nil {
		return Guest{}, err
	}
	replaced, err := r.Edits.files(filepath.Dir(tc.GOMOD))
	if err != nil {
		return Guest{}, err
	}
	overlaid := digest(r.Edits)
	if r.Target.Seeded {
		seeded, err := seedRuntime(tc.GOROOT)
		if err != nil {
			return Guest{}, err
		}
		overlaid += digest(seeded)
		maps.Copy(replaced, seeded.below(tc.GOROOT))
	}
	flags := r.Target.flags()
	id, err := tc.key(ctx, r.Package, flags, overlaid, r.Target)
	if err != nil {
		return Guest{}, err
	}
	c, err := openCache(r.CacheDir)
	if err != nil {
		return Guest{}, err
	}
	g := c.guest(id)
	if c.has(g) {
		return g, nil
	}
	unlock, err := c.lock(ctx, id, func() {
		r.Log(fmt.Sprintf("waiting for another process that builds the %s", r.Name))
	})
	if err != nil {
		return Guest{}, err
	}
	defer unlock()
	if c.has(g) {
		return g, nil
	}
	r.Log(fmt.Sprintf("building the %s (about a minute the first time, seconds later)", r.Name))
	err = c.fill(g, func(dir string) error {
		args := append([]string{"build"}, flags...)
		if len(replaced) > 0 {
			work, err := os.MkdirTemp("", "dtsim-overlay-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(work)
			file, err := writeOverlay(work, replaced)
			if err != nil {
				return err
			}
			args = append(args, "-overlay="+file)
		}
		_, err := tc.run(ctx, append(args, "-o", filepath.Join(dir, programName), "--", r.Package)...)
		return err
	})
	if err != nil {
		return Guest{}, err
	}
	return g, c.prune()
}

// ID identifies what the build that a request asks for would be made from, without
// building it; the same on every machine. Edits and the seeded runtime do not count.
func ID(ctx context.Context, r Request) (string, error) {
	tc, err := findToolchain(ctx, r.Dir, r.Target)
	if err != nil {
		return "", err
	}
	return tc.key(ctx, r.Package, r.Target.flags(), "", r.Target)
}

// CacheDir returns the folder where builds are kept by default: DTSIM_CACHE of the
// environment, or dtsim in the user's cache directory.
func CacheDir() (string, error) {
	if dir := os.Getenv("DTSIM_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache directory (set DTSIM_CACHE): %w", err)
	}
	return filepath.Join(dir, "dtsim"), nil
}

// ignoreMissing drops the error that something is gone already.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
