package tasks

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// records are the runs that are on record according to the log.
type records struct{ onRecord map[provider.Run]bool }

// added puts a run on record, in the place of an older one of its task.
func (r *records) added(run provider.Run) {
	maps.DeleteFunc(r.onRecord, func(old provider.Run, _ bool) bool {
		return old.Namespace == run.Namespace && old.Task == run.Task
	})
	r.onRecord[run] = true
}

// runs returns the runs on record, sorted.
func (r *records) runs() []provider.Run {
	return slices.SortedFunc(maps.Keys(r.onRecord), func(a, b provider.Run) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Version, b.Version))
	})
}

// applied records an applied command, while the state is that of its index.
func (p *process) applied(a Applied) {
	if p.Applying().First {
		p.committed(a)
	}
	var details []trace.Field
	if a.Run.Task != "" {
		details = []trace.Field{trace.Str("namespace", a.Run.Namespace), trace.Str("task", a.Run.Task)}
	}
	p.AppendApplied(a.Command, details, a.outcome())
	if a.Schema && a.Err == nil {
		p.schemaChanged(a)
	}
	if p.Awaited() {
		moments, run := p.momentsOf(a)
		p.Announce(about(run, ""), moments...)
	}
}

// outcome returns what became of the command.
func (a Applied) outcome() cluster.Outcome {
	o := cluster.Outcome{Words: event.Accepted, First: a.First}
	if a.Err != nil {
		o.Words, o.Verdict = a.Err.Error(), refinement.Logged(a.Err).String()
	}
	return o
}

// committed records a command that no replica has applied before, and the tasks it was
// about.
func (p *process) committed(a Applied) {
	o := a.outcome()
	c := &event.Committed{
		Index: a.Index, Term: a.Term, Command: a.Command, Class: a.Class, Outcome: o.Words, Verdict: o.Verdict,
		Request: event.Request{Client: a.Request.Client, Seq: a.Request.Seq}, Body: a.Body,
	}
	if a.First != a.Index {
		c.First = a.First
	}
	p.Append(c)
	records := &p.run.records
	switch {
	case a.Run.Task != "":
		if a.Run.Version == a.Index && a.Err == nil && a.First == a.Index {
			records.added(a.Run)
			p.run.versions.add(a.Run)
		}
		p.taskChanged(a.Run, a.Unit)
	case a.Schema && a.Err == nil:
		// The command may have taken tasks with it.
		for _, run := range records.runs() {
			if status, _ := p.replica.Unit(run, ""); status == "" {
				p.taskChanged(run, "")
			}
		}
	}
}

// taskChanged records what the replica knows of a run that was added before.
func (p *process) taskChanged(run provider.Run, unit string) {
	records := &p.run.records
	if !records.onRecord[run] {
		return
	}
	status, u := p.replica.Unit(run, unit)
	if status == "" {
		delete(records.onRecord, run)
	}
	changed := &taskevent.TaskChanged{Run: run, Status: taskevent.TaskStatus(status)}
	if u != nil {
		changed.Unit, changed.UnitStatus = unit, taskevent.UnitStatus(u.Status)
		changed.Owner, changed.Progress = u.NodeID, number(u.Progress)
	}
	p.Append(changed)
}

// schemaChanged records that the node's schema has changed, and lets the shards follow.
func (p *process) schemaChanged(a Applied) {
	changed := &taskevent.SchemaChanged{Collection: a.Class, Change: a.Command}
	var change struct {
		Property     string `json:"property"`
		Tokenization string `json:"tokenization"`
	}
	if err := json.Unmarshal([]byte(a.Body), &change); err == nil {
		changed.Property, changed.Tokenization = change.Property, change.Tokenization
	}
	p.Append(changed)
	p.followSoon()
}

// about names a run, and one of its units, for faults.
func about(run provider.Run, unit string) cluster.About {
	return cluster.About{taskplan.AboutNamespace: run.Namespace, taskplan.AboutTask: run.Task, taskplan.AboutUnit: unit}
}

// number is the one way a progress stands in the trace.
func number(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 32) }
