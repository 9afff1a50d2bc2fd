package mutation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"dtsim/sim/campaign"
	"dtsim/sim/engine/build"
)

// Journal keeps what detectors came to in a file, so that a measurement that was interrupted
// goes on where it stopped. A record counts for the sources it was made from, and for the
// same budget, and for no others.
type Journal struct {
	file *campaign.Journal
	// sources identifies the system and the harness, budget how long detectors may look.
	sources string
	budget  time.Duration
	known   map[string]Record
}

// line is a record in the journal; its keys are those of earlier builds.
type line struct {
	Key        string         `json:"key"`
	Subject    string         `json:"subject"`
	Detector   string         `json:"judge"`
	Repetition int            `json:"repetition"`
	Skipped    string         `json:"skipped,omitempty"`
	Property   string         `json:"property,omitempty"`
	Message    string         `json:"message,omitempty"`
	Where      string         `json:"where,omitempty"`
	Runs       int            `json:"runs"`
	Wall       time.Duration  `json:"wall_ns"`
	Fired      map[string]int `json:"fired,omitempty"`
	Violating  int            `json:"violating,omitempty"`
}

// OpenJournal opens the journal in a file, which it makes if there is none. Sources
// identifies the system and the harness, without the mutants.
func OpenJournal(name, sources string, budget time.Duration) (*Journal, error) {
	lines, err := campaign.JournalLines(name)
	if err != nil {
		return nil, err
	}
	j := &Journal{sources: sources, budget: budget, known: make(map[string]Record)}
	for i, text := range lines {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, i+1, err)
		}
		j.known[l.Key] = Record{
			Subject: l.Subject, Detector: l.Detector, Repetition: l.Repetition, Skipped: l.Skipped,
			Finding: Finding{
				Property: l.Property, Message: l.Message, Where: l.Where, Runs: l.Runs, Wall: l.Wall, Fired: l.Fired, Violating: l.Violating,
			},
		}
	}
	j.file, err = campaign.OpenJournal(name)
	return j, err
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// key identifies a record.
func (j *Journal) key(s Subject, detector string, repetition int) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%d\n%s\n", j.sources, s.Name(), detector, repetition, j.budget)
	if s.Mutant != nil {
		fmt.Fprintf(h, "%q %q %q\n", s.Mutant.Breaks, s.Mutant.Unmodelled, s.Mutant.Unsimulated)
	}
	edits := s.Edits
	if s.Generated() && s.Mutant == nil {
		edits = s.Program
	} else if s.Generated() {
		edits = make(build.Edits) // the other mutants of the program do not count
		for _, e := range s.Mutant.Edits {
			edits[e.File] = e.New
		}
	}
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(edits[name]), edits[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func (j *Journal) find(s Subject, detector string, repetition int) (Record, bool) {
	if j == nil {
		return Record{}, false
	}
	r, ok := j.known[j.key(s, detector, repetition)]
	return r, ok
}

// add keeps a record; one of a detector that has failed is made again.
func (j *Journal) add(s Subject, r Record) error {
	if j == nil || r.Err != nil {
		return nil
	}
	return j.file.Append(line{
		Key: j.key(s, r.Detector, r.Repetition), Subject: r.Subject, Detector: r.Detector, Repetition: r.Repetition, Skipped: r.Skipped,
		Property: r.Property, Message: r.Message, Where: r.Where, Runs: r.Runs, Wall: r.Wall, Fired: r.Fired, Violating: r.Violating,
	})
}
