package mutation

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Editable are the folders that mutants may change: the system, not the harness.
var Editable = []string{"fsm", "fsm/replica", "sched", "sched/reconcile"}

// Library is the library that the system stands on, as a folder: mutants may change it, too. Its
// files are named by its module and their path below that.
const Library = "github.com/hashicorp/raft"

// specification is the folder that a shared mutant may change as well.
const specification = "models/spec"

// Parse reads a mutant from the text of its file. An error names mutant and line.
func Parse(name, text string) (*Mutant, error) {
	p := &reader{mutant: &Mutant{Name: name}, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	if err := p.parse(); err != nil {
		return nil, fmt.Errorf("mutant %s: line %d: %w", name, p.at, err)
	}
	return p.mutant, nil
}

type reader struct {
	mutant *Mutant
	lines  []string
	// at is the number of the line that was read last, from 1.
	at   int
	seen []string
}

// next returns the next line, false at the end.
func (p *reader) next() (string, bool) {
	if p.at >= len(p.lines) {
		return "", false
	}
	p.at++
	return p.lines[p.at-1], true
}

func (p *reader) parse() error {
	var prose []string
	file := ""
	for {
		line, ok := p.next()
		if !ok {
			break
		}
		field, value, isField := strings.Cut(line, ": ")
		isField = isField && slices.Contains([]string{"known", "breaks", "explore", "sim", "shared"}, field)
		switch {
		case strings.HasPrefix(line, "=== "):
			file = strings.TrimSpace(strings.TrimPrefix(line, "=== "))
			if err := p.editable(file); err != nil {
				return err
			}
		case line == "<<<<":
			if file == "" {
				return fmt.Errorf("an edit of no file: === FILE comes before <<<<")
			}
			if err := p.edit(file); err != nil {
				return err
			}
		case file != "" && strings.TrimSpace(line) != "":
			return fmt.Errorf("%q stands between the edits", line)
		case file != "":
		case isField:
			if err := p.field(field, strings.TrimSpace(value)); err != nil {
				return err
			}
		case len(p.seen) > 0 && strings.TrimSpace(line) != "":
			return fmt.Errorf("%q is no field; known are known, breaks, explore, sim and shared", line)
		default:
			prose = append(prose, line)
		}
	}
	p.mutant.Wrong = strings.TrimSpace(strings.Join(prose, "\n"))
	for _, field := range []string{"known", "breaks", "explore"} {
		if !slices.Contains(p.seen, field) {
			return fmt.Errorf("the field %s is missing", field)
		}
	}
	switch {
	case p.mutant.Wrong == "":
		return fmt.Errorf("it does not say what is wrong")
	case len(p.mutant.Edits) == 0:
		return fmt.Errorf("it edits nothing")
	case p.mutant.Shared && !p.mutant.edits(specification):
		return fmt.Errorf("it is shared and does not edit %s", specification)
	case p.mutant.Shared && !slices.ContainsFunc(Editable, p.mutant.edits):
		return fmt.Errorf("it edits %s alone: that is no defect of the system", specification)
	}
	return nil
}

// edits reports whether the mutant changes a file of a folder.
func (m *Mutant) edits(folder string) bool {
	return slices.ContainsFunc(m.Edits, func(e Edit) bool { return path.Dir(e.File) == folder })
}

// editable reports whether the mutant may change a file.
func (p *reader) editable(file string) error {
	folders := append(slices.Clone(Editable), Library)
	if p.mutant.Shared {
		folders = append(folders, specification)
	}
	if !fs.ValidPath(file) || !slices.Contains(folders, path.Dir(file)) || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
		return fmt.Errorf("%s is not a Go file of %s", file, strings.Join(folders, ", "))
	}
	return nil
}

func (p *reader) field(name, value string) error {
	if slices.Contains(p.seen, name) {
		return fmt.Errorf("the field %s stands twice", name)
	}
	p.seen = append(p.seen, name)
	m := p.mutant
	switch name {
	case "known":
		m.Known = value
	case "breaks":
		for id := range strings.SplitSeq(value, ",") {
			id = strings.TrimSpace(id)
			if !slices.Contains(judged, id) || m.MayBreak(id) {
				return fmt.Errorf("breaks: %q is not one of P1 to P19 and R1 to R8, or stands twice", id)
			}
			m.Breaks = append(m.Breaks, id)
		}
	case "explore":
		why, no := strings.CutPrefix(value, "no, ")
		if value != "yes" && (!no || why == "") {
			return fmt.Errorf("explore: %q is neither \"yes\" nor \"no, \" and a reason", value)
		}
		if no {
			m.Unmodelled = why
		}
	case "sim":
		why, no := strings.CutPrefix(value, "no, ")
		if !no || why == "" {
			return fmt.Errorf("sim: %q is not \"no, \" and a reason; leave it out where simulation has to find it", value)
		}
		m.Unsimulated = why
	case "shared":
		if value != "yes" {
			return fmt.Errorf("shared: %q is not \"yes\"; leave it out", value)
		}
		m.Shared = true
	}
	return nil
}

// edit reads an edit from behind its <<<<.
func (p *reader) edit(file string) error {
	e := Edit{File: file, Line: p.at}
	var err error
	if e.Old, err = p.until("===="); err != nil {
		return err
	}
	if e.New, err = p.until(">>>>"); err != nil {
		return err
	}
	switch e.Old {
	case "":
		return fmt.Errorf("the edit replaces nothing")
	case e.New:
		return fmt.Errorf("the edit changes nothing")
	}
	p.mutant.Edits = append(p.mutant.Edits, e)
	return nil
}

// until returns the lines up to a mark.
func (p *reader) until(mark string) (string, error) {
	var b strings.Builder
	for {
		line, ok := p.next()
		switch {
		case !ok:
			return "", fmt.Errorf("the edit ends without %s", mark)
		case line == mark:
			return b.String(), nil
		}
		b.WriteString(line + "\n")
	}
}
