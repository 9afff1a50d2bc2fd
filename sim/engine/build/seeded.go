package build

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The seeded runtime is edited copies of a few files of the installed Go distribution,
// for the -overlay flag of go build.
//
// In a program built with it, whatever the runtime would draw inside a
// testing/synctest bubble is a function of the entropy given to the bubble, and
// nothing in a bubble depends on how long anything takes in wall time. The entropy
// also decides the order of the run queue, so that it explores orders of
// goroutines which an ordinary program would meet only by accident.
//
// The package holds the edits, never the files: it reads GOROOT, and every edit must
// match exactly once. If one does not, this version of Go is not known, and nothing is
// built.

// UnknownVersionError is the error if the sources of the installed Go are not those
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

// editedRuntime maps a path below GOROOT/src, with slashes, to its new content.
type editedRuntime map[string]string

//go:embed added
var addedSources embed.FS

// addedFiles maps a file of the folder added to where it goes below GOROOT/src.
var addedFiles = map[string]string{
	"added/runtime.go.txt": "runtime/dtsim_seeded.go",
	"added/maps.go.txt":    "internal/runtime/maps/dtsim_seeded.go",
	"added/context.go.txt": "context/dtsim_seeded.go",
}

// ownerFiles are those that [ownerEdits] need.
var ownerFiles = map[string]string{
	"added/owner.go.txt": "runtime/dtsim_owner.go",
}

// seedRuntime reads the sources below goroot/src and edits them: goroutines have owners, and
// draws are seeded. The error is an [*UnknownVersionError] if they are not the expected ones.
func seedRuntime(goroot string) (editedRuntime, error) {
	owners, err := ownRuntime(goroot)
	if err != nil {
		return nil, err
	}
	return owners.edit(goroot, runtimeEdits, addedFiles)
}

// ownRuntime is [seedRuntime] without the draws.
func ownRuntime(goroot string) (editedRuntime, error) {
	return make(editedRuntime).edit(goroot, ownerEdits, ownerFiles)
}

// edit applies edits and adds files.
func (files editedRuntime) edit(goroot string, edits []runtimeEdit, added map[string]string) (editedRuntime, error) {
	for _, e := range edits {
		text, ok := files[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(goroot, "src", filepath.FromSlash(e.file)))
			if errors.Is(err, os.ErrNotExist) {
				return nil, &UnknownVersionError{Edit: e.name, File: e.file}
			}
			if err != nil {
				return nil, fmt.Errorf("the seeded runtime: %w", err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, &UnknownVersionError{Edit: e.name, File: e.file, Matches: n}
		}
		files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	for from, to := range added {
		b, err := addedSources.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("the seeded runtime: %w", err)
		}
		files[to] = string(b)
	}
	return files, nil
}

// below returns the content of every file by its path below goroot.
func (r editedRuntime) below(goroot string) map[string]string {
	files := make(map[string]string, len(r))
	for name, text := range r {
		files[filepath.Join(goroot, "src", filepath.FromSlash(name))] = text
	}
	return files
}
