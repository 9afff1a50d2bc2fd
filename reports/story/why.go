package story

import (
	"cmp"
	"maps"
	"slices"

	"dtsim/models/explore/counterexample"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// enough is how many events explain a violation.
const enough = 30

// Absence is something that should have come before a violation and had not.
type Absence struct {
	// What is "preparation ack" or "swap ack".
	What, Node      string
	Namespace, Task string
	Version         int64
	// Came is where it came after all, 0 when it never did.
	Came int
}

// Explain picks the events that explain a violation, at most thirty, in order: the facts
// that it names, and of what happened before them what decides the fate of the tasks and
// nodes in question: commands, callbacks, shards, faults, the lives of nodes. In a trace
// of the model checker the steps are among them.
func (s *Story) Explain(v trace.Violation) []int {
	facts := s.facts(v)
	if len(facts) == 0 {
		return nil
	}
	about := s.concerned(facts)
	type candidate struct{ seq, weight int }
	var all []candidate
	for seq := 1; seq <= slices.Max(facts); seq++ {
		weight := most
		if !slices.Contains(v.Events, seq) {
			if weight = s.weigh(seq, about); weight == 0 {
				continue
			}
			if !slices.ContainsFunc(facts, func(fact int) bool { return seq == fact || s.Before(seq, fact) }) {
				continue
			}
		}
		all = append(all, candidate{seq, weight})
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.seq, a.seq)) })
	var picked []int
	for _, c := range all[:min(len(all), enough)] {
		picked = append(picked, c.seq)
	}
	slices.Sort(picked)
	return picked
}

// facts are the events of a violation; in a trace of the model checker with them what
// happens in its last step.
func (s *Story) facts(v trace.Violation) []int {
	facts := slices.Clone(v.Events)
	if s.Trace.Header.Engine == counterexample.Engine && len(facts) > 0 {
		for seq := slices.Max(facts) + 1; seq <= len(s.Trace.Events); seq++ {
			facts = append(facts, seq)
		}
	}
	return facts
}

// concern is what a violation is about.
type concern struct {
	tasks map[[2]string]bool
	nodes map[string]bool
	// commits are what the commands of the log are about, by place, and whether they have
	// changed the status of their task.
	commits map[int]*Commit
	turned  map[int]bool
}

func (s *Story) concerned(facts []int) *concern {
	c := &concern{tasks: make(map[[2]string]bool), nodes: make(map[string]bool), commits: make(map[int]*Commit), turned: s.turns()}
	for i := range s.Commits {
		c.commits[s.Commits[i].Seq] = &s.Commits[i]
	}
	for _, seq := range facts {
		e := s.Event(seq)
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

// turns are the commands that have changed the status of a task.
func (s *Story) turns() map[int]bool {
	turned := make(map[int]bool)
	status := make(map[run]string)
	command := 0
	for i := range s.Trace.Events {
		switch e := &s.Trace.Events[i]; e.Kind {
		case trace.Committed:
			command = e.Seq
		case trace.TaskChanged:
			r := runOf(e)
			if is := e.Str("status"); is != status[r] {
				status[r], turned[command] = is, true
			}
		}
	}
	return turned
}

// Weights of events, from what decides to what only happens.
const (
	most   = 6
	turns  = 5
	acts   = 4
	harms  = 3
	lives  = 2
	little = 1
)

// weigh says how much an event can explain; 0 for nothing.
func (s *Story) weigh(seq int, about *concern) int {
	e := s.Event(seq)
	task := about.tasks[[2]string{e.Str("namespace"), e.Str("task")}]
	switch e.Kind {
	case trace.Step:
		return turns
	case trace.Committed:
		c := about.commits[seq]
		switch {
		case about.tasks[[2]string{c.Namespace, c.Task}] && (about.turned[seq] || c.Command == preparationAck || c.Command == postAck):
			return turns
		case about.tasks[[2]string{c.Namespace, c.Task}] && c.Outcome != "ok":
			return little
		case c.Class != "" && c.Outcome == "ok":
			return harms
		}
	case trace.CallbackStarted, trace.CallbackEnded, trace.ShardChanged, trace.RecoveryAsked, trace.LocalStateRemoved:
		if task {
			return acts
		}
	case trace.HandleStarted, trace.HandleTerminated, trace.HandleExited:
		if task && about.nodes[e.Node] {
			return lives
		}
	case trace.FaultBit:
		_, message := e.Get("msg")
		switch {
		case task || !message && about.nodes[e.Node]:
			return harms
		case message:
			return 0
		}
		return little
	case trace.NodeStopped, trace.NodePaused, trace.NodeLeft, trace.NodeResumed:
		if about.nodes[e.Node] {
			return harms
		}
		return lives
	case trace.NodeStarted:
		if e.Incarnation > 1 {
			return lives
		}
	case trace.NodeState:
		if e.Str("state") == "Leader" {
			return lives
		}
	case trace.FaultBegan:
		if plan.FaultKind(e.Str("what")) != plan.Operate {
			return little
		}
	case trace.Returned:
		if e.Str("outcome") == "ambiguous" && about.nodes[e.Node] {
			return little
		}
	}
	return 0
}

// Absent says what a violation of a barrier (P5, P7) is about that had not come: the acks
// of owners of units.
func (s *Story) Absent(v trace.Violation) []Absence {
	what, name, command := "preparation ack", "prepared", preparationAck
	switch v.Property {
	case "P5":
	case "P7":
		what, name, command = "swap ack", "swapped", postAck
	default:
		return nil
	}
	facts := s.facts(v)
	if len(facts) == 0 {
		return nil
	}
	last := slices.Max(facts)
	state := s.State(last)
	var all []Absence
	for key := range s.concerned(facts).tasks {
		owners, version := s.owners(key, last)
		for _, node := range slices.Sorted(maps.Keys(owners)) {
			if state[path("task", key[0], key[1], name, node)] == "ok" {
				continue
			}
			a := Absence{What: what, Node: node, Namespace: key[0], Task: key[1], Version: version}
			for i := range s.Commits {
				c := &s.Commits[i]
				if c.Seq > last && c.Command == command && c.Outcome == "ok" && c.Namespace == key[0] && c.Task == key[1] {
					if b := read(c.Body); int64(b.Version) == version && b.NodeID == node && b.Success {
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

// owners are the nodes that own units of the newest version of a task up to a place.
func (s *Story) owners(key [2]string, until int) (owners map[string]bool, version int64) {
	for i := range s.Trace.Events[:until] {
		e := &s.Trace.Events[i]
		if e.Kind != trace.TaskChanged {
			continue
		}
		r := runOf(e)
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
