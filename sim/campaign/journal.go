package campaign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dtsim/sim/trace"
)

// JournalFile is the journal's name in the directory of a campaign. It holds which runs have
// ended and with what, so that a campaign that was killed can be continued: its first line
// is a journalHead, each after it a journalLine. A line that was cut off does not count, and
// its run is made again.
const JournalFile = "campaign.journal"

// journalHead is the first line of a journal.
type journalHead struct {
	Journal int `json:"journal"`
	// Flags are those that decide what the campaign is.
	Flags map[string][]string `json:"flags"`
}

// journalLine is one outcome.
type journalLine struct {
	Scenario   string            `json:"scenario"`
	Seed       uint64            `json:"seed"`
	Compared   bool              `json:"compared,omitempty"`
	Passed     bool              `json:"held"`
	Engine     string            `json:"engine"`
	Build      string            `json:"build"`
	Hash       string            `json:"hash"`
	PlanHash   string            `json:"plan_hash"`
	Events     string            `json:"events"`
	Twice      bool              `json:"twice,omitempty"`
	Virtual    time.Duration     `json:"virtual_ns"`
	Wall       time.Duration     `json:"wall_ns"`
	CPU        time.Duration     `json:"cpu_ns"`
	Counters   map[string]int64  `json:"counters"`
	Violations []trace.Violation `json:"violations,omitempty"`
	Folder     string            `json:"folder,omitempty"`
	// Ablation is the run without one of its faults, Ablated in that one the fault's number
	// from 1; see [Run.Ablated].
	Ablation *journalLine `json:"without,omitempty"`
	Ablated  int          `json:"lacks,omitempty"`
}

// journalFormat is 2 since a line may have the violation of an ablation.
const journalFormat = 2

// CreateJournal begins a journal in a directory; one that is there is replaced.
func CreateJournal(dir string, flags map[string][]string) (*Journal, error) {
	return createJournal(filepath.Join(dir, JournalFile), journalHead{journalFormat, flags})
}

// Past is the content of the journal of a campaign that was begun.
type Past struct {
	// Flags are those given to CreateJournal.
	Flags map[string][]string
	lines []journalLine
}

// ReadJournal reads the journal in a directory.
func ReadJournal(dir string) (*Past, error) {
	name := filepath.Join(dir, JournalFile)
	if _, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("%s: there is no campaign to resume: %w", dir, pathCause(err))
	}
	lines, err := JournalLines(name)
	if err != nil {
		return nil, fmt.Errorf("%s: there is no campaign to resume: %w", dir, pathCause(err))
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: there is no whole line in the journal", name)
	}
	var head journalHead
	if err := json.Unmarshal(lines[0], &head); err != nil || head.Journal == 0 {
		return nil, fmt.Errorf("%s: this is no journal", name)
	}
	if head.Journal != journalFormat {
		return nil, fmt.Errorf("%s: format %d is unknown; this build reads format %d", name, head.Journal, journalFormat)
	}
	past := &Past{Flags: head.Flags}
	for i, line := range lines[1:] {
		var l journalLine
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, i+2, err)
		}
		past.lines = append(past.lines, l)
	}
	return past, nil
}

// Resume opens the journal in a directory, to go on behind its last whole line.
func (past *Past) Resume(dir string) (*Journal, error) {
	return OpenJournal(filepath.Join(dir, JournalFile))
}

// remember adds an outcome to the journal. Runs without a verdict that is kept are left
// out: they are made again.
func (spec *Spec) remember(o Outcome, compared bool) error {
	if !kept(o) {
		return nil
	}
	l := lineOf(o)
	l.Compared = compared
	return spec.Journal.Append(l)
}

// kept reports whether an outcome has a verdict, and that what there was to keep is kept.
func kept(o Outcome) bool {
	return o.State >= Violated && o.Err == nil && (o.Ablation == nil || kept(*o.Ablation))
}

func lineOf(o Outcome) *journalLine {
	l := &journalLine{
		Scenario: o.Run.Name, Seed: o.Run.Seed, Ablated: o.Run.Ablated, Passed: o.State == Passed, Engine: o.Engine, Build: o.Build,
		Hash: o.Hash, PlanHash: o.PlanHash, Events: o.Events, Twice: o.Twice, Virtual: o.Virtual, Wall: o.Wall, CPU: o.CPU, Counters: o.Counters,
		Violations: o.Violations, Folder: o.Folder,
	}
	if o.Ablation != nil {
		l.Ablation = lineOf(*o.Ablation)
	}
	return l
}

// outcome returns the outcome of r that a line holds. It is not there if its folder is
// gone: what was found is needed, and the run has to be made again.
func (l *journalLine) outcome(r Run) (o Outcome, there bool, err error) {
	if _, err := os.Stat(l.Folder); l.Folder != "" && err != nil {
		return o, false, nil
	}
	if planHash(r) != l.PlanHash {
		return o, false, fmt.Errorf("%s has another plan now than when the campaign was begun", r)
	}
	o = l.restored(r)
	if l.Ablation == nil {
		return o, true, nil
	}
	less, there, err := l.Ablation.outcome(o.Ablation.Run)
	o.Ablation = &less
	return o, there, err
}

// restored returns the outcome of r that a line holds.
func (l *journalLine) restored(r Run) Outcome {
	o := Outcome{
		Run: r, State: Violated, Engine: l.Engine, Build: l.Build, Hash: l.Hash, PlanHash: l.PlanHash, Events: l.Events, Twice: l.Twice,
		Virtual: l.Virtual, Wall: l.Wall, CPU: l.CPU, Counters: l.Counters, Violations: l.Violations, Folder: l.Folder,
	}
	if l.Passed {
		o.State = Passed
	}
	if l.Ablation != nil {
		r.Ablated = l.Ablation.Ablated
		less := l.Ablation.restored(r)
		o.Ablation = &less
	}
	return o
}

// Result returns what the journal holds, without making any plan: the outcomes in the order
// of seeds and names, and nothing of runs that had not ended.
func (past *Past) Result() Result {
	lines := slices.Clone(past.lines)
	slices.SortStableFunc(lines, func(a, b journalLine) int {
		return cmp.Or(cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Scenario, b.Scenario))
	})
	families := map[string]*Family{}
	family := func(name string) *Family {
		if families[name] == nil {
			families[name] = &Family{Name: name}
		}
		return families[name]
	}
	var r Result
	place := map[done]int{} // of a run that is in the journal twice, the last line counts
	for _, l := range lines {
		run := Run{Family: family(l.Scenario), Seed: l.Seed}
		list := &r.Asked
		if l.Compared {
			list = &r.Compared
		}
		if at, again := place[done{run, l.Compared}]; again {
			(*list)[at] = l.restored(run)
			continue
		}
		place[done{run, l.Compared}] = len(*list)
		*list = append(*list, l.restored(run))
	}
	return r
}

// done is which run a line is about.
type done struct {
	run      Run
	compared bool
}

// outcomes are those of the journal for the runs that are asked for. Their plans must
// be what they were.
func (past *Past) outcomes(spec *Spec) (map[done]Outcome, error) {
	type key struct {
		scenario string
		seed     uint64
		compared bool
	}
	lines := map[key]journalLine{}
	for _, l := range past.lines {
		lines[key{l.Scenario, l.Seed, l.Compared}] = l
	}
	found := map[done]Outcome{}
	take := func(runs []Run, compared bool) error {
		for _, r := range runs {
			l, ok := lines[key{r.Name, r.Seed, compared}]
			if !ok {
				continue
			}
			o, there, err := l.outcome(r)
			if err != nil {
				return err
			}
			if there {
				found[done{r, compared}] = o
			}
		}
		return nil
	}
	return found, errors.Join(take(spec.Runs, false), take(spec.Compare, true))
}

// pathCause takes the path off an error that names one.
func pathCause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
