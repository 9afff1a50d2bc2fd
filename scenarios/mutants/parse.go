package mutants

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Editable are the folders that mutants may change: the system, not the harness.
var Editable = []string{"fsm", "fsm/replica", "sched", "sched/reconcile"}

var property = regexp.MustCompile(`^P([1-9]|1[0-8])$`)

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
		isField = isField && slices.Contains([]string{"known", "breaks", "explore"}, field)
		switch {
		case strings.HasPrefix(line, "=== "):
			file = strings.TrimSpace(strings.TrimPrefix(line, "=== "))
			if err := editable(file); err != nil {
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
			return fmt.Errorf("%q is no field; known are known, breaks and explore", line)
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
	}
	return nil
}

// editable says whether mutants may change a file.
func editable(file string) error {
	dir := "."
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		dir = file[:i]
	}
	if !fs.ValidPath(file) || !slices.Contains(Editable, dir) || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
		return fmt.Errorf("%s is not a Go file of %s", file, strings.Join(Editable, ", "))
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
			if !property.MatchString(id) || m.MayBreak(id) {
				return fmt.Errorf("breaks: %q is not one of P1 to P18, or stands twice", id)
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
