package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// The files of a folder.
const (
	PlanFile  = "run.plan.json"
	TraceFile = "run.trace.jsonl.zst"
	AgainFile = "again.trace.jsonl.zst"
	// OriginalFile is the plan before it was shrunk, PinnedFile the trace of the sealed
	// engine.
	OriginalFile = "original.plan.json"
	PinnedFile   = "sealed.trace.jsonl.zst"
	VerdictFile  = "verdict.json"
	ErrorFile    = "error.txt"
	ReplayFile   = "REPLAY.md"
)

// Entry is one run worth keeping.
type Entry struct {
	// State is Passed, Violated or HarnessError; Property is the violated one.
	State    State
	Property string
	Scenario string
	// Ablated is the place of the fault that the run was made without, in the plan of its
	// seed, which is not the one here; empty for none.
	Ablated string
	Plan    *plan.Plan
	// Traces are whole trace files: none when the engine gave none, two when a run
	// and its repetition differ.
	Traces        [][]byte
	Footer        trace.Footer
	Engine, Build string
	// Words describe the failure of the harness; they may be long (a panic with its
	// goroutines).
	Words string
	// Command is the command that makes this run alone, for when nothing can be kept.
	Command string

	// Original is the plan before it was shrunk, nil when it was not. Then Statement,
	// Before, After, Runs and Minimal are the shrinking's; see package shrink.
	Original                 *plan.Plan
	Statement, Before, After string
	Runs                     int
	Minimal                  bool
	// Seeds are the runs that led to it.
	Seeds []Seed
	// Events are the numbers, from 1, of the events that matter.
	Events []int
	// Pinned is the sealed engine's trace of the same violation, nil when there is none;
	// PinWords are why.
	Pinned   []byte
	PinWords string
}

// Seed is a run that led to a failure.
type Seed struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Ablated  string `json:"without,omitempty"`
	Engine   string `json:"engine"`
	// Command is the command that makes it.
	Command string `json:"again"`
}

// Archive is a directory that keeps runs, each in a folder: the plan, the trace, the verdict
// and the one command that replays it. It is safe for concurrent use.
//
// A folder's name is made of what the run is, its trace's hash included, so that keeping
// the same run twice keeps it once, and no other run is ever overwritten. Every file is
// written under a temporary name, synced and renamed; REPLAY.md comes last, so a folder
// that has one is whole.
type Archive struct {
	dir string
	// refuge makes a directory, once, for what cannot be written to dir.
	refuge func() (string, error)
}

// NewArchive returns the archive in a directory, which is made when it is first needed.
func NewArchive(dir string) Archive {
	return Archive{dir, sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "dtsim-") })}
}

// Probe reports whether folders can be made in a.
func (a Archive) Probe() error {
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return a.fail(err)
	}
	f, err := os.CreateTemp(a.dir, ".probe-*")
	if err != nil {
		return a.fail(err)
	}
	_, err = f.WriteString("x")
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return a.fail(err)
	}
	return nil
}

func (a Archive) fail(err error) error {
	return fmt.Errorf("cannot write to %s: %w", a.dir, pathCause(err))
}

// Save keeps e and returns its folder. When the archive cannot be written the
// folder is made among the system's temporary files instead, so that nothing found
// is lost, and the error names it; with no place left the folder is empty and the error has
// the command that repeats the run.
func (a Archive) Save(e Entry) (folder string, err error) {
	folder = filepath.Join(a.dir, e.name())
	err = e.write(folder)
	if err == nil {
		return folder, nil
	}
	if refuge, none := a.refuge(); none == nil {
		folder = filepath.Join(refuge, e.name())
		if e.write(folder) == nil {
			return folder, fmt.Errorf("%w; the run is kept in %s", a.fail(err), folder)
		}
	}
	command := e.Command
	if e.State == Passed {
		command += " --keep"
	}
	return "", fmt.Errorf("%w; to repeat the run: %s --out DIRECTORY", a.fail(err), command)
}

// name is the folder's name: the violated property, "held" (passed) or "harness", then
// scenario, seed, and what distinguishes it from others.
func (e Entry) name() string {
	kind := e.Property
	switch e.State {
	case Passed:
		kind = "held"
	case HarnessError:
		kind = "harness"
	}
	distinct := e.Footer.Hash
	if distinct == "" {
		sum := sha256.Sum256([]byte(e.Engine + e.Words))
		distinct = hex.EncodeToString(sum[:])
	}
	return fmt.Sprintf("%s-%s-seed-%d-%s", plain(kind), plain(e.Scenario), e.Plan.Seed, distinct[:min(8, len(distinct))])
}

// plain makes a string fit for a file name; the names of plans are arbitrary.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	return s[:min(60, len(s))]
}

// Verdict is the document in VerdictFile.
type Verdict struct {
	// Verdict is "held" (passed), "violated", or "none" where the harness failed.
	Verdict    string      `json:"verdict"`
	Scenario   string      `json:"scenario"`
	Seed       uint64      `json:"seed"`
	Ablated    string      `json:"without,omitempty"`
	Engine     string      `json:"engine"`
	Build      string      `json:"build,omitempty"`
	Hash       string      `json:"hash,omitempty"`
	Violations []Violation `json:"violations"`
	// Events are the numbers of the events that matter, from 1: those that led to the
	// first violation. The trace is whole.
	Events []int   `json:"events,omitempty"`
	Shrunk *Shrunk `json:"shrunk,omitempty"`
	Pinned string  `json:"pinned,omitempty"`
	Seeds  []Seed  `json:"seeds,omitempty"`
}

// Shrunk is the result of a shrinking.
type Shrunk struct {
	Before    string `json:"before"`
	After     string `json:"after"`
	Runs      int    `json:"runs"`
	Minimal   bool   `json:"minimal"`
	Statement string `json:"statement"`
}

// Violation is one of a folder's run.
type Violation struct {
	Property string        `json:"property"`
	Message  string        `json:"message"`
	At       plan.Duration `json:"at"`
	Node     string        `json:"node,omitempty"`
}

// write writes the folder's files, REPLAY.md last.
func (e Entry) write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(folder, PlanFile), plan.Encode(e.Plan)); err != nil {
		return err
	}
	if e.Original != nil {
		if err := WriteFile(filepath.Join(folder, OriginalFile), plan.Encode(e.Original)); err != nil {
			return err
		}
	}
	if e.Pinned != nil {
		if err := trace.WriteFile(filepath.Join(folder, PinnedFile), e.Pinned); err != nil {
			return err
		}
	}
	for i, name := range []string{TraceFile, AgainFile}[:len(e.Traces)] {
		if len(e.Traces[i]) == 0 {
			continue
		}
		if err := trace.WriteFile(filepath.Join(folder, name), e.Traces[i]); err != nil {
			return err
		}
	}
	v := Verdict{
		Verdict: "violated", Scenario: e.Scenario, Seed: e.Plan.Seed, Ablated: e.Ablated, Engine: e.Engine,
		Build: e.Build, Hash: e.Footer.Hash, Violations: []Violation{}, Events: e.Events, Pinned: e.PinWords, Seeds: e.Seeds,
	}
	if e.Original != nil {
		v.Shrunk = &Shrunk{e.Before, e.After, e.Runs, e.Minimal, e.Statement}
	}
	switch e.State {
	case Passed:
		v.Verdict = "held"
	case HarnessError:
		v.Verdict = "none"
	}
	for _, found := range e.Footer.Verdict.Violations {
		v.Violations = append(v.Violations, Violation{found.Property, found.Message, plan.Duration(found.At), found.Node})
	}
	if err := writeJSON(filepath.Join(folder, VerdictFile), v); err != nil {
		return err
	}
	if e.Words != "" {
		if err := WriteFile(filepath.Join(folder, ErrorFile), []byte(e.Words+"\n")); err != nil {
			return err
		}
	}
	return WriteFile(filepath.Join(folder, ReplayFile), []byte(e.page(folder)))
}

// ReadVerdict reads the verdict of a folder.
func ReadVerdict(folder string) (*Verdict, error) {
	name := filepath.Join(folder, VerdictFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, pathCause(err))
	}
	v := &Verdict{}
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// page is the text of ReplayFile.
func (e Entry) page(folder string) string {
	var b strings.Builder
	what := "violates " + e.Property
	switch e.State {
	case Passed:
		what = "passed"
	case HarnessError:
		what = "the harness failed"
	}
	without := ""
	if e.Ablated != "" {
		without = ", without " + e.Ablated
	}
	fmt.Fprintf(&b, "# %s, seed %d%s: %s\n\n", e.Scenario, e.Plan.Seed, without, what)
	for _, v := range e.Footer.Verdict.Violations {
		where := ""
		if v.Node != "" {
			where = " on " + v.Node
		}
		fmt.Fprintf(&b, "* %s at %s%s: %s\n", v.Property, v.At, where, v.Message)
	}
	if e.Words != "" {
		line, _, _ := strings.Cut(e.Words, "\n")
		fmt.Fprintf(&b, "* %s\n", line)
	}
	if len(e.Footer.Verdict.Violations) > 0 || e.Words != "" {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Engine %s. To reproduce it, in the repository:\n\n    %s\n", e.Engine, e.ReplayCommand(folder))
	if e.Original != nil {
		fmt.Fprintf(&b, "\nThe plan was shrunk from %s to %s; %s. As it was found it is in %s.\n", e.Before, e.After, e.Statement, OriginalFile)
	}
	if e.Pinned != nil {
		fmt.Fprintf(&b, "\nOn another machine, by the sealed engine:\n\n    %s\n", replay(filepath.Join(folder, PinnedFile)))
	} else if e.PinWords != "" {
		fmt.Fprintf(&b, "\nIt is %s.\n", e.PinWords)
	}
	if len(e.Seeds) > 0 {
		fmt.Fprintf(&b, "\nFound by:\n\n")
		for _, s := range e.Seeds {
			note := ""
			if s.Ablated != "" {
				note = "   # and then without " + s.Ablated
			}
			fmt.Fprintf(&b, "    %s%s\n", s.Command, note)
		}
	}
	return b.String()
}

// ReplayCommand is the command that replays e from its folder: its trace, or its plan
// when there is no trace that could be compared with.
func (e Entry) ReplayCommand(folder string) string {
	if len(e.Traces) == 1 && e.State != HarnessError {
		return ReplayCommand(folder)
	}
	again := fmt.Sprintf("%s --engine %s", replay(filepath.Join(folder, PlanFile)), e.Engine)
	if e.Property == Race {
		again += " --race"
	}
	return again
}

// ReplayCommand is the command that replays the trace in a folder; a data race has none, so
// there it is the plan.
func ReplayCommand(folder string) string {
	file := filepath.Join(folder, TraceFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return replay(filepath.Join(folder, PlanFile)) + " --engine native --race"
	}
	return replay(file)
}

// replay is the command that replays a file.
func replay(file string) string { return "go run ./cmd/dtsim replay " + Quote(file) }

// Quote makes a path one word of a shell.
func Quote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$`&|;<>()*?[]#~!{}", r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func writeJSON(name string, v any) error {
	doc, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return WriteFile(name, append(doc, '\n'))
}

// WriteFile writes a file so that a reader sees all of it or none.
func WriteFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
