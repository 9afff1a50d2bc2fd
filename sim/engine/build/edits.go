package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Edits are files of the module that are compiled with another content than they
// have: path below the module's root, with slashes, to content. The tree itself stays
// as it is.
type Edits map[string]string

// digest identifies files by their names and content, in hex; empty if there are none.
func digest(files map[string]string) string {
	if len(files) == 0 {
		return ""
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
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
	return writeOverlay(dir, files)
}

// writeOverlay puts files, by the absolute path of what each stands for, below dir and
// returns the name of the JSON document that go build -overlay takes.
func writeOverlay(dir string, files map[string]string) (string, error) {
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
