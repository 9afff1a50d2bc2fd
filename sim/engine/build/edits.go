package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Edits are files that are compiled with another content than they have: path below the root of the
// module, with slashes, to content. A file of a dependency is named by the path of its module
// and the path below that, "github.com/hashicorp/raft/raft.go". The sources themselves stay as
// they are.
type Edits map[string]string

// edit is one of the edits in its place.
type edit struct {
	module     *listedModule
	file, text string
}

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

// place returns the edits with the files that they are of; packages are what the program is
// made of. A file that is not there is an error: an edit of it would be compiled into nothing, or
// add to the program.
func (e Edits) place(tc *toolchain, packages []*listed) ([]edit, error) {
	var placed []edit
	for _, name := range slices.Sorted(maps.Keys(e)) {
		m, below := &listedModule{Main: true, Dir: filepath.Dir(tc.GOMOD)}, name
		for _, p := range packages {
			if p.Module != nil && !p.Module.Main && strings.HasPrefix(name, p.Module.Path+"/") && len(p.Module.Path) > len(m.Path) {
				m, below = p.Module, strings.TrimPrefix(name, p.Module.Path+"/")
			}
		}
		file, err := m.file(below)
		if err != nil {
			return nil, fmt.Errorf("edit of %s: %w", name, err)
		}
		placed = append(placed, edit{m, file, e[name]})
	}
	return placed, nil
}

// file returns the file of the module below its root.
func (m *listedModule) file(below string) (string, error) {
	if !fs.ValidPath(below) {
		return "", errors.New("that is no path below the module")
	}
	file := filepath.Join(m.Dir, filepath.FromSlash(below))
	_, err := os.Stat(file)
	return file, err
}

// Write puts the edits of the module in root below dir and returns the name of the
// document that the -overlay flag of the go command takes. Edits of dependencies are an error:
// that flag has no effect on them.
func (e Edits) Write(root, dir string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	files := make(map[string]string, len(e))
	for name, text := range e {
		file, err := (&listedModule{Dir: root}).file(name)
		if err != nil {
			return "", fmt.Errorf("edit of %s: %w", name, err)
		}
		files[file] = text
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
