package timeline

import (
	"cmp"
	"maps"
	"slices"

	"dtsim/models/explore/counterexample"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// maxExplaining is the number of events that explain a violation.
const maxExplaining = 30

// Absence is an event that a violated property required and that had not happened.
type Absence struct {
	// What is "preparation ack" or "swap ack".
	What, Node      string
	Namespace, Task string
	Version         int64
	// Came is the event that came too late, 0 when none did.
	Came int
}

// Explain picks the events that explain a violation, at most thirty, in order: the events that
// it names, and of what happened before them the commands, callbacks, shard changes, faults,
// starts and stops that decide about its tasks and nodes. In a trace of the model checker the
// steps are among them.
func (tl *Timeline) Explain(v trace.Violation) []int {
	facts := tl.facts(v)
	if len(facts) == 0 {
		return nil
	}
	about := tl.concerned(facts)
	type candidate struct{ seq, weight int }
	var all []candidate
	for seq := 1; seq <= slices.Max(facts); seq++ {
		weight := weightNamed
		if !slices.Contains(v.Events, seq) {
			if weight = tl.weigh(seq, about); weight == 0 {
				continue
			}
			if !slices.ContainsFunc(facts, func(fact int) bool { return seq == fact || tl.Before(seq, fact) }) {
				continue
			}
		}
		all = append(all, candidate{seq, weight})
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.seq, a.seq)) })
	var picked []int
	for _, c := range all[:min(len(all), maxExplaining)] {
		picked = append(picked, c.seq)
	}
	slices.Sort(picked)
	return picked
}

// facts returns the events of a violation; in a trace of the model checker also the events of
// its last step.
func (tl *Timeline) facts(v trace.Violation) []int {
	facts := slices.Clone(v.Events)
	if tl.Trace.Header.Engine == counterexample.Engine && len(facts) > 0 {
		for seq := slices.Max(facts) + 1; seq <= len(tl.Trace.Events); seq++ {
			facts = append(facts, seq)
		}
	}
	return facts
}

// concern is the set of tasks and nodes of a violation.
type concern struct {
	tasks map[[2]string]bool
	nodes map[string]bool
	// commits are the commands of the log by sequence number, turned those that changed the
	// status of their task.
	commits map[int]*Commit
	turned  map[int]bool
}

func (tl *Timeline) concerned(facts []int) *concern {
	c := &concern{tasks: make(map[[2]string]bool), nodes: make(map[string]bool), commits: make(map[int]*Commit), turned: tl.statusChanges()}
	for i := range tl.Commits {
		c.commits[tl.Commits[i].Seq] = &tl.Commits[i]
	}
	for _, seq := range facts {
		e := tl.Event(seq)
		if e.Node != "" {
			c.nodes[e.Node] = true
		}
		key := [2]string{e.Str("namespace"), e.Str("task")}
		if commit := c.commits[seq]; commit != nil {
			key = [2]string{commit.Namespace, commit.Task}
		}
		if key[1] != "" {
			c.tasks[key] = true
		}
	}
	return c
}

// statusChanges returns the commands that changed the status of a task.
func (tl *Timeline) statusChanges() map[int]bool {
	turned := make(map[int]bool)
	status := make(map[taskRun]string)
	command := 0
	for i := range tl.Trace.Events {
		switch e := &tl.Trace.Events[i]; e.Kind {
		case trace.Committed:
			command = e.Seq
		case trace.TaskChanged:
			r := taskRunOf(e)
			if is := e.Str("status"); is != status[r] {
				status[r], turned[command] = is, true
			}
		}
	}
	return turned
}

// Weights of events, from decisions to side effects.
const (
	weightNamed    = 6
	weightDecision = 5
	weightAction   = 4
	weightHarm     = 3
	weightLife     = 2
	weightMinor    = 1
)

// weigh returns how much an event can explain; 0 for nothing.
func (tl *Timeline) weigh(seq int, about *concern) int {
	e := tl.Event(seq)
	task := about.tasks[[2]string{e.Str("namespace"), e.Str("task")}]
	switch e.Kind {
	case trace.Step:
		return weightDecision
	case trace.Committed:
		c := about.commits[seq]
		switch {
		case about.tasks[[2]string{c.Namespace, c.Task}] && (about.turned[seq] || c.Command == preparationAck || c.Command == postAck):
			return weightDecision
		case about.tasks[[2]string{c.Namespace, c.Task}] && c.Outcome != "ok":
			return weightMinor
		case c.Class != "" && c.Outcome == "ok":
			return weightHarm
		}
	case trace.CallbackStarted, trace.CallbackEnded, trace.ShardChanged, trace.RecoveryAsked, trace.LocalStateRemoved:
		if task {
			return weightAction
		}
	case trace.HandleStarted, trace.HandleTerminated, trace.HandleExited:
		if task && about.nodes[e.Node] {
			return weightLife
		}
	case trace.FaultActivated:
		_, message := e.Get("msg")
		switch {
		case task || !message && about.nodes[e.Node]:
			return weightHarm
		case message:
			return 0
		}
		return weightMinor
	case trace.NodeStopped, trace.NodePaused, trace.NodeLeft, trace.NodeResumed:
		if about.nodes[e.Node] {
			return weightHarm
		}
		return weightLife
	case trace.NodeStarted:
		if e.Incarnation > 1 {
			return weightLife
		}
	case trace.NodeState:
		if e.Str("state") == "Leader" {
			return weightLife
		}
	case trace.FaultBegan:
		if plan.FaultKind(e.Str("what")) != plan.Operate {
			return weightMinor
		}
	case trace.Returned:
		if e.Str("outcome") == "ambiguous" && about.nodes[e.Node] {
			return weightMinor
		}
	}
	return 0
}

// Absent returns the acks of owners of units that were required by a barrier (P5, P7) and were
// not in the log when it was violated.
func (tl *Timeline) Absent(v trace.Violation) []Absence {
	what, name, command := "preparation ack", "prepared", preparationAck
	switch v.Property {
	case "P5":
	case "P7":
		what, name, command = "swap ack", "swapped", postAck
	default:
		return nil
	}
	facts := tl.facts(v)
	if len(facts) == 0 {
		return nil
	}
	last := slices.Max(facts)
	state := tl.State(last)
	var all []Absence
	for key := range tl.concerned(facts).tasks {
		owners, version := tl.owners(key, last)
		for _, node := range slices.Sorted(maps.Keys(owners)) {
			if state[path("task", key[0], key[1], name, node)] == "ok" {
				continue
			}
			a := Absence{What: what, Node: node, Namespace: key[0], Task: key[1], Version: version}
			for i := range tl.Commits {
				c := &tl.Commits[i]
				if c.Seq > last && c.Command == command && c.Outcome == "ok" && c.Namespace == key[0] && c.Task == key[1] {
					if b := decodeBody(c.Body); int64(b.Version) == version && b.NodeID == node && b.Success {
						a.Came = c.Seq
						break
					}
				}
			}
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Absence) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Task, b.Task), compareNames(a.Node, b.Node))
	})
	return all
}

// owners returns the nodes that own units of the newest version of a task up to an event.
func (tl *Timeline) owners(key [2]string, until int) (owners map[string]bool, version int64) {
	for i := range tl.Trace.Events[:until] {
		e := &tl.Trace.Events[i]
		if e.Kind != trace.TaskChanged {
			continue
		}
		r := taskRunOf(e)
		if r.namespace != key[0] || r.task != key[1] || r.version < version {
			continue
		}
		if r.version > version {
			owners, version = make(map[string]bool), r.version
		}
		if owner := e.Str("owner"); owner != "" {
			owners[owner] = true
		}
	}
	return owners, version
}
