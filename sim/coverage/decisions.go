package coverage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dtsim/models/spec"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Decisions are what a run has decided, in the order it did, by what the decisions are
// about: who led; which commands about a task, a unit of it, a node's part in it or a
// collection were committed, and with what verdict; which callbacks of a task a node has
// ended; what the clients of the workload were told. When something was decided, and
// what was reported in between, is not among them: a run in which all of that comes
// later has the same decisions.
type Decisions struct {
	by map[string][]string
}

// Differ says whether two runs have decided differently, and about what first, by name.
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

// Struck is what became of one fault of the plan, as the events tell.
type Struck struct {
	// Bit says that it has changed a decision, Effective that something went another way.
	Bit, Effective bool
}

// Struck returns what became of the faults, in the order of the plan.
func (o *Observer) Struck() []Struck {
	all := make([]Struck, len(o.faults.all))
	for i, f := range o.faults.all {
		all[i] = Struck{f.bites > 0, f.effective}
	}
	return all
}

// Without counts a run that was made again without a fault that had bitten: whether it
// decided otherwise, and whether the trace of the first run says that the fault was
// effective. Draws go by identity, so that nothing but the fault has changed; but what it
// changes first may lead far, to whatever lay on the edge.
func Without(kind plan.FaultKind, differed, told bool) map[string]int64 {
	counts := map[string]int64{withoutFault(kind, "runs"): 1}
	for what, is := range map[string]bool{"differed": differed, "told": told, "agreed": differed == told} {
		if is {
			counts[withoutFault(kind, what)] = 1
		}
	}
	return counts
}

func withoutFault(kind plan.FaultKind, what string) string {
	return WithoutPrefix + string(kind) + "/" + what
}

// decided are the events that decisions are read from.
var decided = []trace.Kind{trace.NodeState, trace.Committed, trace.CallbackEnded, trace.Returned}

// ReadDecisions reads the decisions of a run from its trace.
func ReadDecisions(r io.Reader) (Decisions, error) {
	d := Decisions{by: make(map[string][]string)}
	reader, err := trace.NewReader(r)
	if err != nil {
		return d, err
	}
	reader.Only(decided...)
	header := reader.Header()
	p, err := taskplan.Of(&header.Plan)
	if err != nil {
		return d, err
	}
	workload := int64(len(p.Workload))
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		switch e.Kind {
		case trace.NodeState:
			if e.Str("state") == leading {
				d.add("leader", e.Node)
			}
		case trace.Committed:
			d.committed(&e)
		case trace.CallbackEnded:
			d.add(fmt.Sprintf("callbacks of %s/%s on %s", e.Str("namespace"), e.Str("task"), e.Node),
				e.Str("callback"), e.Str("group"), e.Str("status"), truth(e.Str("error") == ""))
		case trace.Returned:
			// What operators do for a fault is the fault itself.
			if op := e.Int("op"); op < workload {
				d.add(fmt.Sprintf("workload[%d]", op), e.Str("outcome"), e.Str("class"))
			}
		}
	}
}

// about is what a task command is about.
type about struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Unit      string `json:"unit_id"`
	Node      string `json:"node_id"`
	Success   bool   `json:"success"`
	Error     string `json:"error"`
}

// committed takes in a command, unless it repeats another or reports progress.
func (d *Decisions) committed(e *trace.Event) {
	command := e.Str("command")
	if _, duplicate := e.Get("first"); duplicate || command == unitProgress {
		return
	}
	verdict := spec.ReadVerdict(e.Str("outcome")).String()
	if class := e.Str("class"); class != "" {
		d.add("collection "+class, command, verdict)
		return
	}
	var a about
	if err := json.Unmarshal([]byte(e.Str("body")), &a); err != nil {
		d.add("commands nobody can read", command, verdict)
		return
	}
	name := fmt.Sprintf("task %s/%s", a.Namespace, a.ID)
	switch command {
	case unitCompletion:
		d.add(name+" unit "+a.Unit, a.Node, truth(a.Error == ""), verdict)
	case preparationAck, postAck:
		d.add(name+" on "+a.Node, command, truth(a.Success), verdict)
	default:
		d.add(name, command, verdict)
	}
}

func truth(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
