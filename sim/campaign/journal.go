package campaign

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dtsim/sim/trace"
)

// JournalFile is the journal's name in the directory of a campaign.
const JournalFile = "campaign.journal"

// Journal remembers which runs of a campaign have ended and with what, so that a
// campaign that was killed can be continued. Each outcome is one line, durable before
// Add returns; a line that was cut off by the end of the machine does not count, and
// its run is made again. It is safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	file *os.File
}

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
	Held       bool              `json:"held"`
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
	// Without is the run without one of its faults, Lacks in that one the fault's number
	// from 1; see [Run.Without].
	Without *journalLine `json:"without,omitempty"`
	Lacks   int          `json:"lacks,omitempty"`
}

// journalFormat is 2 since a line may hold a violation of a run that held.
const journalFormat = 2

// CreateJournal begins a journal in a directory; one that is there is replaced.
func CreateJournal(dir string, flags map[string][]string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	head, err := json.Marshal(journalHead{journalFormat, flags})
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(append(head, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, JournalFile))
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return &Journal{file: f}, nil
}

// Past is what a journal tells of a campaign that was begun.
type Past struct {
	// Flags are those given to CreateJournal.
	Flags map[string][]string
	lines []journalLine
	whole int64 // how many bytes of the file count
}

// ReadJournal reads the journal in a directory.
func ReadJournal(dir string) (*Past, error) {
	name := filepath.Join(dir, JournalFile)
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: there is no campaign to resume: %w", dir, pathCause(err))
	}
	in := bufio.NewReader(bytes.NewReader(content))
	past := &Past{}
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			if number == 1 {
				return nil, fmt.Errorf("%s: there is no whole line in the journal", name)
			}
			return past, nil
		}
		if number == 1 {
			var head journalHead
			if err := json.Unmarshal(line, &head); err != nil || head.Journal == 0 {
				return nil, fmt.Errorf("%s: this is no journal", name)
			}
			if head.Journal != journalFormat {
				return nil, fmt.Errorf("%s: format %d is unknown; this build reads format %d", name, head.Journal, journalFormat)
			}
			past.Flags = head.Flags
		} else {
			var l journalLine
			if err := json.Unmarshal(line, &l); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, number, err)
			}
			past.lines = append(past.lines, l)
		}
		past.whole += int64(len(line))
	}
}

// Resume opens the journal that past was read from, to go on behind what counts.
func (past *Past) Resume(dir string) (*Journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, JournalFile), os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if err = f.Truncate(past.whole); err == nil {
		_, err = f.Seek(past.whole, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Journal{file: f}, nil
}

// Add appends an outcome. Only runs with a verdict that is kept are remembered; the
// others are made again. A nil Journal forgets everything.
func (j *Journal) Add(o Outcome, compared bool) error {
	if j == nil || !kept(o) {
		return nil
	}
	l := lineOf(o)
	l.Compared = compared
	line, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err = j.file.Write(append(line, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	return nil
}

// kept says that an outcome has a verdict, and that what there was to keep is kept.
func kept(o Outcome) bool {
	return o.State >= Violated && o.Err == nil && (o.Without == nil || kept(*o.Without))
}

func lineOf(o Outcome) *journalLine {
	l := &journalLine{
		Scenario: o.Run.Name, Seed: o.Run.Seed, Lacks: o.Run.Without, Held: o.State == Held, Engine: o.Engine, Build: o.Build,
		Hash: o.Hash, PlanHash: o.PlanHash, Events: o.Events, Twice: o.Twice, Virtual: o.Virtual, Wall: o.Wall, CPU: o.CPU, Counters: o.Counters,
		Violations: o.Violations, Folder: o.Folder,
	}
	if o.Without != nil {
		l.Without = lineOf(*o.Without)
	}
	return l
}

// outcome is the one of r that a line tells of. It is not there when its folder is gone:
// what was found is needed, and the run has to be made again.
func (l *journalLine) outcome(r Run) (o Outcome, there bool, err error) {
	if _, err := os.Stat(l.Folder); l.Folder != "" && err != nil {
		return o, false, nil
	}
	if planHash(r) != l.PlanHash {
		return o, false, fmt.Errorf("%s has another plan now than when the campaign was begun", r)
	}
	o = l.told(r)
	if l.Without == nil {
		return o, true, nil
	}
	less, there, err := l.Without.outcome(o.Without.Run)
	o.Without = &less
	return o, there, err
}

// told is the outcome of r as a line has it.
func (l *journalLine) told(r Run) Outcome {
	o := Outcome{
		Run: r, State: Violated, Engine: l.Engine, Build: l.Build, Hash: l.Hash, PlanHash: l.PlanHash, Events: l.Events, Twice: l.Twice,
		Virtual: l.Virtual, Wall: l.Wall, CPU: l.CPU, Counters: l.Counters, Violations: l.Violations, Folder: l.Folder,
	}
	if l.Held {
		o.State = Held
	}
	if l.Without != nil {
		r.Without = l.Without.Lacks
		less := l.Without.told(r)
		o.Without = &less
	}
	return o
}

// Result is what a journal tells without making any plan: outcomes in the order of seeds
// and names, as they were, and nothing of runs that had not ended.
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
			(*list)[at] = l.told(run)
			continue
		}
		place[done{run, l.Compared}] = len(*list)
		*list = append(*list, l.told(run))
	}
	return r
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
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
