package coverage

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Decisions are what a run has decided, in the order it did, by what the decisions are
// about: which nodes led, and what the application calls a decision. When something was
// decided is not among them: a run in which all of that comes later has the same
// decisions.
type Decisions struct {
	by map[string][]string
}

// Differ reports whether two runs have decided differently, and about what first, by name.
func (d Decisions) Differ(other Decisions) (about string, differ bool) {
	names := slices.Concat(slices.Collect(maps.Keys(d.by)), slices.Collect(maps.Keys(other.by)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !slices.Equal(d.by[name], other.by[name]) {
			return name, true
		}
	}
	return "", false
}

func (d *Decisions) add(about string, words ...string) {
	d.by[about] = append(d.by[about], strings.Join(words, " "))
}

// FaultOutcome is what became of one fault of the plan, as the events tell.
type FaultOutcome struct {
	// Activated: it has changed a decision. Effective: something went another way.
	Activated, Effective bool
}

// Faults returns what became of the faults, in the order of the plan.
func (o *Observer) Faults() []FaultOutcome {
	all := make([]FaultOutcome, len(o.faults.all))
	for i, f := range o.faults.all {
		all[i] = FaultOutcome{f.activations > 0, f.effective}
	}
	return all
}

// Ablation counts a run that was made again without a fault that was activated: whether it
// decided otherwise, and whether the trace of the first run has it that the fault was
// effective. Draws go by identity, so that nothing but the fault has changed; but what it
// changes first may lead far, to whatever lay on the edge.
func Ablation(kind plan.FaultKind, differed, predicted bool) map[string]int64 {
	counts := map[string]int64{ablation(kind, "runs"): 1}
	for what, is := range map[string]bool{"differed": differed, "told": predicted, "agreed": differed == predicted} {
		if is {
			counts[ablation(kind, what)] = 1
		}
	}
	return counts
}

func ablation(kind plan.FaultKind, what string) string {
	return AblationPrefix + string(kind) + "/" + what
}

// Decide returns what an event of the application decides, and what the decision is about;
// nothing for other events.
type Decide func(e *trace.Event) (about string, what []string)

// ReadDecisions reads the decisions of a run from its trace: which nodes led, and what the
// application has decided in events of these kinds. The plan is that of the trace.
func ReadDecisions(r io.Reader, of func(*plan.Plan) (Decide, error), kinds ...trace.Kind) (Decisions, error) {
	d := Decisions{by: make(map[string][]string)}
	reader, err := trace.NewReader(r)
	if err != nil {
		return d, err
	}
	reader.Only(append(slices.Clone(kinds), trace.NodeState)...)
	header := reader.Header()
	decide, err := of(&header.Plan)
	if err != nil {
		return d, err
	}
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		if b, ok := event.Of(&e).(*event.NodeState); ok {
			if b.State == event.Leader {
				d.add("leader", e.Node)
			}
			continue
		}
		if about, what := decide(&e); about != "" {
			d.add(about, what...)
		}
	}
}
