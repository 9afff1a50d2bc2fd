package timeline

import (
	"cmp"
	"slices"

	"dtsim/models/explore/counterexample"
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// maxExplaining is the number of events that explain a violation.
const maxExplaining = 30

// Absence is an event that a violated property required and that had not happened.
type Absence struct {
	// What is "preparation ack" or "swap ack".
	What, Node string
	Run        taskevent.Run
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
	tasks map[taskevent.Key]bool
	nodes map[string]bool
	// commits are the commands of the log by sequence number.
	commits map[int]*Commit
}

func (tl *Timeline) concerned(facts []int) *concern {
	c := &concern{tasks: make(map[taskevent.Key]bool), nodes: make(map[string]bool), commits: make(map[int]*Commit)}
	for i := range tl.Commits {
		c.commits[tl.Commits[i].Seq] = &tl.Commits[i]
	}
	for _, seq := range facts {
		e := tl.Event(seq)
		if e.Node != "" {
			c.nodes[e.Node] = true
		}
		key := taskOf(e.Body)
		if commit := c.commits[seq]; commit != nil {
			key = commit.Run().Key()
		}
		if key.Task != "" {
			c.tasks[key] = true
		}
	}
	return c
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
	task, node := about.tasks[taskOf(e.Body)], about.nodes[e.Node]
	switch b := e.Body.(type) {
	case *event.Step:
		return weightDecision
	case *event.Committed:
		c := about.commits[seq]
		task := about.tasks[c.Run().Key()]
		switch {
		case task && (tl.turned[c.Index] || c.isAck()):
			return weightDecision
		case task && c.Outcome != event.Accepted:
			return weightMinor
		case c.Class != "" && c.Outcome == event.Accepted:
			return weightHarm
		}
	case *taskevent.CallbackStarted, *taskevent.CallbackEnded, *taskevent.ShardChanged, *taskevent.RecoveryAsked, *taskevent.LocalStateRemoved:
		if task {
			return weightAction
		}
	case *taskevent.HandleStarted, *taskevent.HandleTerminated, *taskevent.HandleExited:
		if task && node {
			return weightLife
		}
	case *event.FaultActivated:
		message := b.Disturbance().Msg != ""
		switch {
		case task || !message && node:
			return weightHarm
		case message:
			return 0
		}
		return weightMinor
	case *event.NodeStopped, *event.NodePaused, *event.NodeLeft, *event.NodeResumed:
		if node {
			return weightHarm
		}
		return weightLife
	case *event.NodeStarted:
		if e.Incarnation > 1 {
			return weightLife
		}
	case *event.NodeState:
		if b.State == event.Leader {
			return weightLife
		}
	case *event.FaultBegan:
		if plan.FaultKind(b.What) != plan.Operate {
			return weightMinor
		}
	case *event.Returned:
		if b.Outcome == event.Ambiguous && node {
			return weightMinor
		}
	}
	return 0
}

// Absent returns the acks of owners of units that were required by a barrier (P5, P7) and were
// not in the log when it was violated.
func (tl *Timeline) Absent(v trace.Violation) []Absence {
	what, command := "preparation ack", taskevent.CommandPreparationAck
	acks := func(r *projection.Run) map[string]projection.Ack { return r.Prepared }
	switch v.Property {
	case "P5":
	case "P7":
		what, command = "swap ack", taskevent.CommandPostAck
		acks = func(r *projection.Run) map[string]projection.Ack { return r.Swapped }
	default:
		return nil
	}
	facts := tl.facts(v)
	if len(facts) == 0 {
		return nil
	}
	last, log := slices.Max(facts), projection.NewLog()
	for i := range tl.Trace.Events[:last] {
		log.Take(&tl.Trace.Events[i])
	}
	newest := make(map[taskevent.Key]*projection.Run)
	for _, r := range log.Order {
		newest[r.ID.Key()] = r
	}
	var all []Absence
	for key := range tl.concerned(facts).tasks {
		r := newest[key]
		if r == nil {
			continue
		}
		for _, node := range r.Missing(acks(r)) {
			a := Absence{What: what, Node: node, Run: r.ID}
			came := slices.IndexFunc(tl.Commits, func(c Commit) bool {
				return c.Seq > last && c.Name == command && c.Accepted && c.Run() == r.ID && c.NodeID == node && c.Success
			})
			if came >= 0 {
				a.Came = tl.Commits[came].Seq
			}
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Absence) int {
		return cmp.Or(cmp.Compare(a.Run.Namespace, b.Run.Namespace), cmp.Compare(a.Run.Task, b.Run.Task), compareNames(a.Node, b.Node))
	})
	return all
}
