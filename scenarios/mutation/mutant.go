package mutation

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Mutant is one planted defect.
type Mutant struct {
	// Name is that of its file, without ".mutant".
	Name string
	// Wrong describes the defect in prose, Known is where it is known from.
	Wrong, Known string
	// Breaks are the properties that it may be found by, in the order of the file.
	Breaks []string
	// Unmodelled is why the model checker cannot find it; empty if it can.
	Unmodelled string
	// Unsimulated is why simulation cannot find it; empty if it can.
	Unsimulated string
	// Shared is set if models/spec has the same defect, a rule that was misread twice, so
	// that P2 cannot find it.
	Shared bool
	// Operator is what made a generated mutant; empty for one that was written down.
	Operator string
	Edits    []Edit

	// in is the function that an operator has changed, body what has become of it, from
	// behind the brace.
	in   *function
	body string
}

// Edit replaces one piece of text in one file.
type Edit struct {
	// File is below the module's root, with slashes, or a file of [Library].
	File     string
	Old, New string
	// Line is where the edit stands in the mutant's file.
	Line int
}

// MisfitError is the error of an edit whose text does not stand once in its file.
type MisfitError struct {
	Mutant string
	Edit   Edit
	// Matches is how often the edit's text stands in the file; 1 would be right.
	Matches int
}

func (e *MisfitError) Error() string {
	return fmt.Sprintf("mutant %s: the edit of %s in line %d matches %d times, it must once", e.Mutant, e.Edit.File, e.Edit.Line, e.Matches)
}

// Apply returns the content of every file that the mutant changes, by its path; read
// returns that of a file as it is. The error is a [*MisfitError], or that of read.
func (m *Mutant) Apply(read func(file string) ([]byte, error)) (map[string]string, error) {
	files := make(map[string]string)
	for _, e := range m.Edits {
		text, begun := files[e.File]
		if !begun {
			b, err := read(e.File)
			if err != nil {
				return nil, fmt.Errorf("mutant %s: the edit in line %d: %w", m.Name, e.Line, err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, &MisfitError{Mutant: m.Name, Edit: e, Matches: n}
		}
		files[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	return files, nil
}

// MayBreak reports whether a violation of a property is a kill of the mutant.
func (m *Mutant) MayBreak(property string) bool { return slices.Contains(m.Breaks, property) }

const suffix = ".mutant"

//go:embed mutants/*.mutant
var shipped embed.FS

// Historic returns the mutants of this package, sorted by name: defects that the
// reference or a system like it has had.
func Historic() ([]*Mutant, error) {
	dir, err := fs.Sub(shipped, "mutants")
	if err != nil {
		return nil, err
	}
	return load(dir)
}

// Dir returns the mutants of a folder, sorted by name. One without any is an error.
func Dir(dir string) ([]*Mutant, error) {
	all, err := load(os.DirFS(dir))
	if err == nil && len(all) == 0 {
		err = errors.New("there is no *" + suffix)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return all, nil
}

func load(dir fs.FS) ([]*Mutant, error) {
	names, err := fs.Glob(dir, "*"+suffix)
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(dir, "."); err != nil {
		return nil, err
	}
	slices.Sort(names)
	all := make([]*Mutant, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		m, err := Parse(strings.TrimSuffix(path.Base(name), suffix), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
