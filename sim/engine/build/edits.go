package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"dtsim/sim/engine/overlay"
)

// Edits are files of the module that are compiled with another content than they
// have: path below the module's root, with slashes, to content. The tree itself stays
// as it is.
type Edits map[string]string

// digest identifies the edits, in hex; empty when there are none.
func (e Edits) digest() string {
	if len(e) == 0 {
		return ""
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(e)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(e[name]), e[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// files returns the content by absolute path. A file that is not there is an error: an
// edit of it would be compiled into nothing, or add to the program.
func (e Edits) files(root string) (map[string]string, error) {
	files := make(map[string]string, len(e))
	for name, text := range e {
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("edit of %s: that is no path below the module", name)
		}
		original := filepath.Join(root, filepath.FromSlash(name))
		if _, err := os.Stat(original); err != nil {
			return nil, fmt.Errorf("edit of %s: %w", name, err)
		}
		files[original] = text
	}
	return files, nil
}

// Write puts the edits of the module in root below dir and returns the name of the
// document that the -overlay flag of the go command takes.
func (e Edits) Write(root, dir string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	files, err := e.files(root)
	if err != nil {
		return "", err
	}
	return overlay.Write(dir, files)
}
