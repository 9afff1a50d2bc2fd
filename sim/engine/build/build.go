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
	"slices"
	"strings"
)

// Target is what a guest is compiled for.
type Target struct {
	GOOS, GOARCH string
	// Seeded compiles with the seeded runtime; its draws are functions of the entropy.
	Seeded bool
	// Race compiles with the race detector.
	Race bool
	// Cover are the import paths, with commas between them, of packages whose statements are
	// counted as they are entered; empty for none.
	Cover string
}

// Host is what go build compiles for here.
func Host() Target { return Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH} }

// ordinary reports whether the target is what go build compiles for here, so that the
// packages which have been compiled already can be used.
func (t Target) ordinary() bool {
	return t == Host()
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
	// Edits are compiled in place of files of the module and of its dependencies.
	Edits Edits
	// Instrument are the import paths of packages that are compiled with points at which a
	// goroutine may be held up; see package sim/stall/point.
	Instrument []string
	// With are other versions of modules to build with.
	With []Replacement
	// CacheDir is where builds are kept; see [CacheDir].
	CacheDir string
	// Log is called with a message before each step that takes long.
	Log func(message string)
}

// flags are those of go build and go list.
func (r *Request) flags() []string {
	if r.Target.ordinary() {
		return nil
	}
	flags, tags := []string{"-trimpath"}, "netgo,osusergo"
	if r.Target.Race {
		flags = append(flags, "-race")
	}
	if r.Target.Cover != "" {
		flags = append(flags, "-cover", "-covermode=set", "-coverpkg="+r.Target.Cover+","+r.Package) // a program writes counters if it has some itself
	}
	if r.Target.Seeded {
		tags += ",dtsim_seeded"
	}
	if r.owned() {
		tags += ",dtsim_points"
	}
	return append(flags, "-tags="+tags)
}

// owned reports whether the program's goroutines have owners.
func (r *Request) owned() bool { return r.Target.Seeded || len(r.Instrument) > 0 }

// runtime returns the files of the standard library that are compiled in another form.
func (r *Request) runtime(goroot string) (editedRuntime, error) {
	switch {
	case r.Target.Seeded:
		return seedRuntime(goroot)
	case r.owned():
		return ownRuntime(goroot)
	}
	return nil, nil
}

// programs are what go list is asked about.
func (r *Request) programs() []string {
	if len(r.Instrument) > 0 {
		return []string{r.Package, pointPackage}
	}
	return []string{r.Package}
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
func Make(ctx context.Context, r Request) (_ Guest, err error) {
	tc, err := findToolchain(ctx, r.Dir, r.Target)
	if err != nil {
		return Guest{}, err
	}
	edited, err := r.runtime(tc.GOROOT)
	if err != nil {
		return Guest{}, err
	}
	t, err := newTree(ctx, tc, r)
	if err != nil {
		return Guest{}, err
	}
	defer func() { err = errors.Join(err, t.remove()) }()
	packages, err := t.packages(ctx, r.programs()...)
	if err != nil {
		return Guest{}, err
	}
	points, err := r.points(packages)
	if err != nil {
		return Guest{}, err
	}
	changes := fmt.Sprintf("%s %s %s", digest(r.Edits), digest(edited), points)
	id, err := tc.key(packages, r.Target, r.flags(), changes)
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
	if err := t.change(ctx, r, packages); err != nil {
		return Guest{}, err
	}
	maps.Copy(t.replaced, edited.below(tc.GOROOT))
	err = c.fill(g, func(dir string) error { return t.build(ctx, r.Package, filepath.Join(dir, programName)) })
	if err != nil {
		return Guest{}, err
	}
	return g, c.prune()
}

// build compiles a program of the tree.
func (t *tree) build(ctx context.Context, pkg, program string) error {
	args := append([]string{"build"}, t.flags...)
	if len(t.replaced) > 0 {
		file, err := writeOverlay(t.work, t.replaced)
		if err != nil {
			return err
		}
		args = append(args, "-overlay="+file)
	}
	_, err := t.tc.run(ctx, append(args, "-o", program, "--", pkg)...)
	return err
}

// points returns what the points of the program are a function of, beside its sources. A package
// that is no part of the program is an error.
func (r *Request) points(packages []*listed) (string, error) {
	if len(r.Instrument) == 0 {
		return "", nil
	}
	for _, name := range r.Instrument {
		p := slices.IndexFunc(packages, func(p *listed) bool { return p.ImportPath == name })
		if p < 0 || packages[p].Standard {
			return "", fmt.Errorf("instrument %s: that is no package of the program outside of the standard library", name)
		}
	}
	return digest(map[string]string{"rewriter": rewriterSource, "packages": strings.Join(r.Instrument, " ")}), nil
}

// ID identifies what the build that a request asks for would be made from, without
// building it; the same on every machine. Edits, points and the seeded runtime do not count.
func ID(ctx context.Context, r Request) (string, error) {
	tc, err := findToolchain(ctx, r.Dir, r.Target)
	if err != nil {
		return "", err
	}
	r.Instrument = nil
	t, err := newTree(ctx, tc, r)
	if err != nil {
		return "", err
	}
	packages, err := t.packages(ctx, r.Package)
	if err != nil {
		return "", errors.Join(err, t.remove())
	}
	id, err := tc.key(packages, r.Target, r.flags(), "")
	return id, errors.Join(err, t.remove())
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
