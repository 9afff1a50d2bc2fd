package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// programName is the file of the program in a build's folder.
	programName = "guest"
	// newPrefix begins the name of a folder that is not complete.
	newPrefix  = ".new-"
	lockSuffix = ".lock"

	// A build that was not used for forgotten goes away; so does one that was not used
	// for resting when there are more than enough younger ones.
	forgotten = 30 * 24 * time.Hour
	resting   = time.Hour
	enough    = 12
)

// cache is a folder with one folder per build.
type cache struct{ dir string }

// openCache makes the folder; empty for [CacheDir].
func openCache(dir string) (cache, error) {
	if dir == "" {
		var err error
		if dir, err = CacheDir(); err != nil {
			return cache{}, err
		}
	}
	dir, err := filepath.Abs(filepath.Join(dir, "builds"))
	if err != nil {
		return cache{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return cache{}, fmt.Errorf("the cache of builds (set DTSIM_CACHE to move it): %w", err)
	}
	return cache{dir}, nil
}

// guest returns where the build with that id is or would be.
func (c cache) guest(id string) Guest {
	dir := filepath.Join(c.dir, id)
	return Guest{ID: id, Dir: dir, Path: filepath.Join(dir, programName)}
}

// has reports whether a build is there, and notes that it is in use.
func (c cache) has(g Guest) bool {
	if _, err := os.Stat(g.Path); err != nil {
		return false
	}
	now := time.Now()
	// Without the right to touch it, it merely looks unused.
	_ = os.Chtimes(g.Dir, now, now)
	return true
}

// fill calls make to put a build's files into a fresh folder, and moves the folder
// to its place: a build is there as a whole or not at all.
func (c cache) fill(g Guest, make func(dir string) error) error {
	fresh, err := os.MkdirTemp(c.dir, newPrefix)
	if err != nil {
		return err
	}
	if err := make(fresh); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.RemoveAll(g.Dir); err != nil { // what an interrupted removal left
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(fresh, g.Dir); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	return nil
}

// lock waits until no other process builds that id. It calls waiting once when it
// has to.
func (c cache) lock(ctx context.Context, id string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, id+lockSuffix), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		ok, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		if ok {
			return func() { f.Close() }, nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// prune removes builds that have not been used for long.
func (c cache) prune() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	type build struct {
		name string
		idle time.Duration
	}
	var builds []build
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			errs = append(errs, ignoreMissing(err))
			continue
		}
		idle := time.Since(info.ModTime())
		switch {
		case strings.HasSuffix(e.Name(), lockSuffix):
			if idle > forgotten {
				errs = append(errs, ignoreMissing(os.Remove(filepath.Join(c.dir, e.Name()))))
			}
		case strings.HasPrefix(e.Name(), newPrefix):
			if idle > resting {
				errs = append(errs, os.RemoveAll(filepath.Join(c.dir, e.Name())))
			}
		case e.IsDir():
			builds = append(builds, build{e.Name(), idle})
		}
	}
	slices.SortFunc(builds, func(a, b build) int { return cmp.Compare(a.idle, b.idle) })
	for i, b := range builds {
		if b.idle > forgotten || i >= enough && b.idle > resting {
			errs = append(errs, os.RemoveAll(filepath.Join(c.dir, b.name)))
		}
	}
	return errors.Join(errs...)
}
