// Package mutant builds defects of the shipped code into a program: edits that replace
// the one place of a file that says something, put in place by the compiler's overlay.
// No file of the repository is touched.
//
// It must not know what a defect breaks, and how that is found.
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Mutant is a defect, and what finds it.
type Mutant struct {
	// Property is broken, which the configuration shows, with liveness asked for or not.
	Property, Config string
	Liveness         bool
	Edits            []Edit
}

// Edit replaces the one place in a file of the repository that says Old.
type Edit struct{ File, Old, New string }

// Read reads a mutant: lines that begin with a keyword or with #, and blocks to search
// for and to replace.
func Read(text string) (m Mutant, err error) {
	file, block := "", (*[]string)(nil)
	var old, replaced []string
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		word, value, _ := strings.Cut(line, " ")
		switch {
		case line == "<<<<<<<":
			old, replaced, block = nil, nil, &old
		case line == "=======":
			block = &replaced
		case line == ">>>>>>>":
			m.Edits = append(m.Edits, Edit{file, strings.Join(old, "\n"), strings.Join(replaced, "\n")})
			block = nil
		case block != nil:
			*block = append(*block, line)
		case word == "#":
		case word == "property":
			m.Property = value
		case word == "config":
			m.Config = value
		case word == "liveness":
			m.Liveness = true
		case word == "file":
			file = value
		default:
			return m, fmt.Errorf("mutant: line %d: %q is no keyword", n+1, line)
		}
	}
	if m.Property == "" || m.Config == "" || len(m.Edits) == 0 || block != nil {
		return m, fmt.Errorf("mutant: a property, a configuration or an edit is missing")
	}
	return m, nil
}

// Overlay writes the edited sources into dir and returns the file that tells the compiler
// of them. root is where the repository is.
func (m Mutant) Overlay(root, dir string) (string, error) {
	sources := map[string]string{}
	for _, e := range m.Edits {
		path := filepath.Join(root, e.File)
		if _, known := sources[path]; !known {
			b, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("mutant: %w", err)
			}
			sources[path] = string(b)
		}
		if n := strings.Count(sources[path], e.Old); n != 1 {
			return "", fmt.Errorf("mutant: %s says %d times, and not once: %s", e.File, n, e.Old)
		}
		sources[path] = strings.Replace(sources[path], e.Old, e.New, 1)
	}
	replace := map[string]string{}
	for path, source := range sources {
		name := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root), string(filepath.Separator), "_"))
		if err := os.WriteFile(name, []byte(source), 0o600); err != nil {
			return "", fmt.Errorf("mutant: %w", err)
		}
		replace[path] = name
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("mutant: %w", err)
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, b, 0o600)
}

// Build compiles a program of the repository, a folder below root, with the defect in it,
// into dir, and returns the executable.
func (m Mutant) Build(root, program, dir string) (string, error) {
	overlay, err := m.Overlay(root, dir)
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "mutant")
	cmd := exec.Command("go", "build", "-o", out, "-overlay", overlay, "./"+filepath.ToSlash(program))
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant: %w: %s", err, text)
	}
	return out, nil
}
