package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"dtsim/cmd/dtsim/internal/counterexample"
	"dtsim/models/explore"
)

// verification is what `dtsim check --json` prints.
type verification struct {
	Config      string   `json:"config"`
	Summary     string   `json:"summary"`
	Properties  []string `json:"properties"`
	Search      string   `json:"search"`
	Jobs        int      `json:"jobs"`
	States      uint64   `json:"states"`
	Transitions uint64   `json:"transitions"`
	Depth       int      `json:"depth"`
	Levels      []uint64 `json:"levels"`
	Dead        uint64   `json:"dead_ends"`
	Exhausted   bool     `json:"exhausted"`
	// Bound is what ended the search early.
	Bound           explore.Bound    `json:"bound"`
	WallS           float64          `json:"wall_s"`
	StatesPerS      float64          `json:"states_per_s"`
	TransitionsPerS float64          `json:"transitions_per_s"`
	BytesPerState   float64          `json:"bytes_per_state"`
	VisitedBytes    uint64           `json:"visited_bytes"`
	FrontierBytes   uint64           `json:"frontier_bytes"`
	Omission        float64          `json:"omission_probability"`
	Audited         uint64           `json:"audited_pairs"`
	Reduced         uint64           `json:"reduced_states"`
	Liveness        *livenessCounts  `json:"liveness,omitempty"`
	Walk            *walkCounts      `json:"walk,omitempty"`
	Violations      []brokenProperty `json:"violations"`
	violations      []explore.Violation
	exact, reduced  bool
}

type livenessCounts struct {
	Settled    uint64 `json:"settled_states"`
	Components uint64 `json:"unsettled_components"`
	Largest    uint64 `json:"largest_component"`
}

type walkCounts struct {
	Seed     uint64          `json:"seed"`
	Runs     uint64          `json:"runs"`
	Complete bool            `json:"complete"`
	Fresh    float64         `json:"new_states_per_step"`
	Coverage []coveragePoint `json:"coverage"`
}

type coveragePoint struct {
	Steps  uint64 `json:"steps"`
	States uint64 `json:"states"`
}

// brokenProperty is a violation with its path in words.
type brokenProperty struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Loop is the step, from 1, to which the last one returns; 0 for a path that ends.
	Loop   int        `json:"loop"`
	Steps  []stepTold `json:"steps"`
	Trace  string     `json:"trace"`
	Replay string     `json:"replay"`
}

type stepTold struct {
	Action  string        `json:"action"`
	Changed []partChanged `json:"changed"`
}

type partChanged struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func newVerification(m machine, is explore.Machine, o explore.Options) *verification {
	return &verification{
		Config: m.name, Summary: m.summary, Properties: is.Properties(), Jobs: o.Jobs, exact: o.Exact, reduced: o.Reduction,
		Levels: []uint64{}, Violations: []brokenProperty{},
	}
}

func (d *verification) checked(r explore.Result, o explore.Options, wall time.Duration) {
	d.Search = searchWords(o)
	d.States, d.Transitions, d.Depth, d.Dead = r.States, r.Transitions, r.Depth, r.Dead
	d.Levels = append(d.Levels, r.Levels...)
	d.Exhausted, d.Bound, d.Audited, d.Reduced = r.Exhausted, r.Bound, r.Audited, r.Reduced
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(r.States, wall), perSecond(r.Transitions, wall)
	d.BytesPerState, d.VisitedBytes, d.FrontierBytes = r.PerState(), r.Memory.Visited, r.Memory.Frontier
	d.Omission = r.Omission
	if o.DepthFirst || o.Jobs < 1 {
		d.Jobs = 1
	}
	if g := r.Graph; g != nil {
		d.Liveness = &livenessCounts{g.Settled, g.Components, g.Largest}
	}
	d.violations = r.Violations
}

func (d *verification) walked(w explore.Walked, wall time.Duration, seed uint64) {
	d.Search = "random walk: uniform, by weights of kinds, by priorities of processes"
	d.States, d.Transitions, d.Depth, d.Dead = w.States, w.Steps, w.Deepest, w.Dead
	d.Bound, d.Omission = w.Bound, explore.Omission(w.States)
	d.WallS, d.StatesPerS, d.TransitionsPerS = wall.Seconds(), perSecond(w.States, wall), perSecond(w.Steps, wall)
	d.VisitedBytes = w.Memory.Visited
	if w.States > 0 {
		d.BytesPerState = float64(w.Memory.Visited) / float64(w.States)
	}
	d.Walk = &walkCounts{Seed: seed, Runs: w.Runs, Complete: w.Complete, Fresh: w.Fresh(), Coverage: []coveragePoint{}}
	for _, c := range w.Coverage {
		d.Walk.Coverage = append(d.Walk.Coverage, coveragePoint{c.Steps, c.States})
	}
	d.violations = w.Violations
}

// tell takes each counterexample again and keeps it in a file.
func (d *verification) tell(is explore.Machine, out string) error {
	for _, v := range d.violations {
		taken, err := is.Replay(v.Path)
		if err != nil {
			return fmt.Errorf("the counterexample to %s is no run of %s: %w", v.Property, d.Config, err)
		}
		content, err := counterexample.Encode(d.Config, v, taken)
		if err != nil {
			return fmt.Errorf("the counterexample to %s: %w", v.Property, err)
		}
		b := brokenProperty{Property: v.Property, Message: v.Message, Loop: v.Path.Loop + 1, Steps: []stepTold{}}
		if b.Trace, err = counterexample.Write(out, d.Config, v.Property, content); err != nil {
			return fmt.Errorf("the counterexample to %s could not be kept: %w", v.Property, err)
		}
		b.Replay = replayCommand(b.Trace)
		b.Steps = stepsTold(taken)
		d.Violations = append(d.Violations, b)
	}
	return nil
}

func stepsTold(taken explore.Replayed) []stepTold {
	told := []stepTold{}
	for _, s := range taken.Steps {
		step := stepTold{Action: s.Action, Changed: []partChanged{}}
		for _, c := range s.Changed {
			step.Changed = append(step.Changed, partChanged(c))
		}
		told = append(told, step)
	}
	return told
}

func (d *verification) status() int {
	switch {
	case len(d.Violations) > 0:
		return statusViolated
	case d.Exhausted, d.Walk != nil && d.Walk.Complete:
		return statusHeld
	}
	return statusHarness
}

func searchWords(o explore.Options) string {
	words := []string{"breadth first"}
	if o.DepthFirst {
		words = []string{"depth first"}
	}
	if o.Exact {
		words = append(words, "whole states")
	} else {
		words = append(words, "64-bit fingerprints")
	}
	if o.Symmetry {
		words = append(words, "symmetry reduction")
	}
	if o.Reduction {
		words = append(words, "commuting actions reduced")
	}
	if o.Liveness {
		words = append(words, "liveness")
	}
	return strings.Join(words, ", ")
}

// words is the summary for people.
func (d *verification) words(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s: %s\n\n", d.Config, d.Summary)
	cores := "1 core"
	if d.Jobs != 1 {
		cores = fmt.Sprintf("%d cores", d.Jobs)
	}
	line("search", "%s, %s", d.Search, cores)
	if d.Walk != nil {
		line("steps", "%s in %s runs, the longest of %s", grouped(d.Transitions), grouped(d.Walk.Runs), grouped(uint64(d.Depth)))
		line("states", "%s distinct; lately %s", grouped(d.States), freshWords(d.Walk.Fresh))
	} else {
		line("states", "%s distinct, %s generated, %s without a next one", grouped(d.States), grouped(d.Transitions), grouped(d.Dead))
		line("depth", "%s", grouped(uint64(d.Depth)))
	}
	line("rate", "%s generated a second, in %.1f s", short(d.TransitionsPerS), d.WallS)
	line("memory", "%.1f bytes a state: %s for what was visited, %s at most for what waits", d.BytesPerState, memoryWords(d.VisitedBytes), memoryWords(d.FrontierBytes))
	if d.reduced {
		line("reduction", "%s states were expanded in part; %s pairs of actions were run in both orders", grouped(d.Reduced), grouped(d.Audited))
	}
	if l := d.Liveness; l != nil {
		line("liveness", "%s settled states; %s unsettled components with a cycle, the largest of %s states", grouped(l.Settled), grouped(l.Components), grouped(l.Largest))
	}
	switch {
	case d.Walk != nil:
	case d.exact:
		line("omission", "impossible: whole states were compared")
	default:
		line("omission", "probability at most %.1e, n(n-1)/2 pairs of states that are mixed up with 2^-64 each", d.Omission)
	}
	fmt.Fprintln(w)
	for _, v := range d.Violations {
		v.words(w)
	}
	fmt.Fprintln(w, d.verdict())
}

func (d *verification) verdict() string {
	properties := strings.Join(d.Properties, ", ")
	switch {
	case len(d.Violations) > 0 && d.Walk != nil:
		return "Violated."
	case len(d.Violations) > 0 && d.Exhausted:
		return "Violated; every state was visited."
	case len(d.Violations) > 0:
		return "Violated; the search ended there, so there may be more states."
	case d.Exhausted:
		return "Held: every state was visited, and nothing is broken of " + properties + "."
	case d.Bound == explore.Interrupted:
		return "Interrupted before everything was seen. Nothing seen so far breaks " + properties + "."
	case d.Bound != explore.Unbounded:
		return fmt.Sprintf("The bound on %s was hit before everything was seen. Nothing seen so far breaks %s.", d.Bound, properties)
	}
	return "Held on every step taken, which is not every one there is: " + properties + "."
}

func (v *brokenProperty) words(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n\n", v.Property, v.Message)
	tellSteps(w, v.Steps, v.Loop)
	fmt.Fprintf(w, "\nkept in %s\nreplay  %s\n\n", v.Trace, v.Replay)
}

func tellSteps(w io.Writer, steps []stepTold, loop int) {
	width := len(strconv.Itoa(len(steps)))
	for i, s := range steps {
		if i+1 == loop {
			fmt.Fprintf(w, "  %*s  the loop begins\n", width, "")
		}
		fmt.Fprintf(w, "  %*d  %s\n", width, i+1, s.Action)
		for _, c := range s.Changed {
			fmt.Fprintf(w, "  %*s      %s: %s -> %s\n", width, "", c.Name, c.Before, c.After)
		}
	}
	if loop > 0 {
		fmt.Fprintf(w, "  %*s  and again from step %d\n", width, "", loop)
	}
}

func snapshotWords(s explore.Snapshot) string {
	if s.Doing != "" {
		return fmt.Sprintf("%s states, %s generated; %s", short(float64(s.States)), short(float64(s.Transitions)), s.Doing)
	}
	left := "unknown how many are left"
	if s.Left >= 0 {
		left = "about " + short(s.Left) + " more states"
	}
	return fmt.Sprintf("%s states, %s generated (%s/s), depth %d, %s waiting, %s, %s",
		short(float64(s.States)), short(float64(s.Transitions)), short(s.Rate), s.Depth, short(float64(s.Waiting)), memoryWords(s.Memory), left)
}

// replayed is what `dtsim check --replay --json` prints.
type replayed struct {
	Config   string     `json:"config"`
	Property string     `json:"property"`
	Message  string     `json:"message"`
	Verdict  string     `json:"verdict"`
	Judged   bool       `json:"judged_apart"`
	Same     bool       `json:"identical"`
	Loop     int        `json:"loop"`
	Steps    []stepTold `json:"steps"`
	Broken   []broken   `json:"broken"`
	differs  error
}

type broken struct {
	Property string `json:"property"`
	Message  string `json:"message"`
}

func newReplayed(f counterexample.Found, taken explore.Replayed, differs error) replayed {
	d := replayed{
		Config: f.Config, Property: f.Property, Message: f.Message, Verdict: "held", Judged: taken.Judged,
		Same: differs == nil, Loop: f.Path.Loop + 1, Steps: stepsTold(taken), Broken: []broken{}, differs: differs,
	}
	for _, b := range taken.Broken {
		d.Broken = append(d.Broken, broken(b))
		d.Verdict = "violated"
	}
	return d
}

func (d *replayed) status() int {
	if len(d.Broken) > 0 {
		return statusViolated
	}
	return statusHeld
}

func (d *replayed) words(w io.Writer) {
	fmt.Fprintf(w, "%s: %s: %s\n\n", d.Config, d.Property, d.Message)
	tellSteps(w, d.Steps, d.Loop)
	fmt.Fprintln(w)
	if d.differs != nil {
		fmt.Fprintf(w, "The machine is another one by now: %v.\n", d.differs)
	}
	for _, b := range d.Broken {
		fmt.Fprintf(w, "violated %s: %s\n", b.Property, b.Message)
	}
	switch {
	case len(d.Broken) == 0:
		fmt.Fprintln(w, "The path breaks nothing.")
	case d.Judged:
		fmt.Fprintln(w, "Judged by code that the search does not use.")
	}
}

// grouped writes a number with commas.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes a number with three digits or so.
func short(x float64) string {
	for _, unit := range []struct {
		n    float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if x >= unit.n {
			return fmt.Sprintf("%.1f%s", x/unit.n, unit.name)
		}
	}
	return fmt.Sprintf("%.0f", x)
}

func memoryWords(n uint64) string {
	return short(float64(n)) + map[bool]string{true: "B", false: " B"}[n >= 1000]
}

func freshWords(share float64) string {
	if share <= 0 {
		return "no step led to a new one"
	}
	return "one step in " + grouped(uint64(math.Round(1/share))) + " led to a new one"
}

// size is a flag: a number of bytes.
type size uint64

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*s), 10)
}

func (s *size) Type() string { return "size" }

// Set reads 1000, 500k, 4G, 4GB or 4GiB; k, M, G and T are powers of 1000, or with an i of
// 1024.
func (s *size) Set(text string) error {
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text[len(digits):])), "b")
	base := uint64(1000)
	if strings.HasSuffix(unit, "i") {
		base, unit = 1024, strings.TrimSuffix(unit, "i")
	}
	power := strings.Index("kmgt", unit)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(unit) > 1 || power < 0 || unit == "" && base == 1024 {
		return fmt.Errorf("%q is no size; write 500M, 4G or 4GiB", text)
	}
	if unit != "" {
		for range power + 1 {
			if n > math.MaxUint64/base {
				return fmt.Errorf("%q is too much", text)
			}
			n *= base
		}
	}
	*s = size(n)
	return nil
}
