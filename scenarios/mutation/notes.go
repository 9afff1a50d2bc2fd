package mutation

import (
	_ "embed"
	"fmt"
	"strings"
)

// Notes is what is known of generated mutants, by name.
type Notes struct {
	// Equivalent is why a mutant behaves as the system does, so that no detector can find
	// it.
	Equivalent map[string]string
	// Next is what would find a mutant that survives.
	Next map[string]string
}

//go:embed mutants/notes.txt
var notes string

// Known returns the notes of mutants/notes.txt.
func Known() (Notes, error) { return ParseNotes(notes) }

// ParseNotes reads notes: a line each, "equivalent NAME: why" or "survivor NAME: what
// finds it next"; lines that begin with # are for readers.
func ParseNotes(text string) (Notes, error) {
	n := Notes{Equivalent: map[string]string{}, Next: map[string]string{}}
	at := 0
	for line := range strings.Lines(text) {
		at++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, why, ok := strings.Cut(line, ": ")
		kind, name, named := strings.Cut(head, " ")
		into := map[string]map[string]string{"equivalent": n.Equivalent, "survivor": n.Next}[kind]
		if !ok || !named || into == nil || strings.TrimSpace(why) == "" {
			return Notes{}, fmt.Errorf("notes: line %d: write \"equivalent NAME: why\" or \"survivor NAME: what finds it next\"", at)
		}
		if into[name] != "" {
			return Notes{}, fmt.Errorf("notes: line %d: %s stands twice", at, name)
		}
		into[name] = strings.TrimSpace(why)
	}
	return n, nil
}
