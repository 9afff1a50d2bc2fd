// Package overlay makes the seeded runtime: edited copies of a few files of the
// installed Go distribution, for the -overlay flag of go build.
//
// In a program built with it, whatever the runtime would draw inside a
// testing/synctest bubble is a function of the entropy given to the bubble, and
// nothing in a bubble depends on how long anything takes in wall time. The entropy
// also decides the order of the run queue, so that it explores orders of
// goroutines which an ordinary program would meet only by accident.
//
// The package holds the edits, never the files: it reads GOROOT, and every edit
// must match exactly once. If one does not, this version of Go is not known and
// [Generate] refuses. It knows nothing of guests or engines.
package overlay

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// UnknownVersionError says that the sources of the installed Go are not those
// that the edits were written for.
type UnknownVersionError struct {
	// Edit is the name of the first edit that does not fit.
	Edit string
	// File is the file it is for, below GOROOT/src.
	File string
	// Matches is how often its text was found; 1 would be right.
	Matches int
}

func (e *UnknownVersionError) Error() string {
	return fmt.Sprintf("this Go version is not known to the overlay: %s (%d matches in %s, want 1)", e.Edit, e.Matches, e.File)
}

// Overlay is a generated set of files, still in memory.
type Overlay struct {
	goroot string
	// files maps a path below GOROOT/src, with slashes, to its new content.
	files map[string]string
}

//go:embed added
var added embed.FS

// addedFiles maps a file of the folder added to where it goes below GOROOT/src.
var addedFiles = map[string]string{
	"added/runtime.go.txt": "runtime/dtsim_seeded.go",
	"added/maps.go.txt":    "internal/runtime/maps/dtsim_seeded.go",
	"added/context.go.txt": "context/dtsim_seeded.go",
}

// Generate reads the sources below goroot/src and edits them. The error is an
// [*UnknownVersionError] when they are not the expected ones.
func Generate(goroot string) (*Overlay, error) {
	o := &Overlay{goroot: goroot, files: make(map[string]string)}
	for _, e := range edits {
		text, ok := o.files[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(goroot, "src", filepath.FromSlash(e.file)))
			if errors.Is(err, os.ErrNotExist) {
				return nil, &UnknownVersionError{Edit: e.name, File: e.file}
			}
			if err != nil {
				return nil, fmt.Errorf("overlay: %w", err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, &UnknownVersionError{Edit: e.name, File: e.file, Matches: n}
		}
		o.files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	for from, to := range addedFiles {
		b, err := added.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("overlay: %w", err)
		}
		o.files[to] = string(b)
	}
	return o, nil
}

// Digest identifies the content of all files, in hex.
func (o *Overlay) Digest() string {
	h := sha256.New()
	for _, name := range o.names() {
		fmt.Fprintf(h, "%s %d\n%s", name, len(o.files[name]), o.files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Files returns the content of every file by its absolute path.
func (o *Overlay) Files() map[string]string {
	files := make(map[string]string, len(o.files))
	for name, text := range o.files {
		files[filepath.Join(o.goroot, "src", filepath.FromSlash(name))] = text
	}
	return files
}

// Write puts files, by the absolute path of what each stands for, below dir and
// returns the name of the JSON document that go build -overlay takes.
func Write(dir string, files map[string]string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	replace := make(map[string]string, len(files))
	for i, original := range slices.Sorted(maps.Keys(files)) {
		copied := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(original)))
		if err := os.WriteFile(copied, []byte(files[original]), 0o644); err != nil {
			return "", fmt.Errorf("overlay: %w", err)
		}
		replace[original] = copied
	}
	doc, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, doc, 0o644); err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	return name, nil
}

// names returns the files in order.
func (o *Overlay) names() []string { return slices.Sorted(maps.Keys(o.files)) }
