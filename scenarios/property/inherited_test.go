package property_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// rolledBack is a run that begins with a reindex in a status that only a newer version
// knows, and in which all operations are about it.
func rolledBack() *taskplan.Plan {
	p := taskplan.Default()
	p.Cluster.Raft.SnapshotThreshold = 4
	reindex := taskplan.Task{Kind: taskplan.Reindex, ID: "r", Collection: "Articles", Property: "title", Tokenization: "trigram", Parallel: 1}
	p.Inherited = &taskplan.Inherited{
		Collections: []taskplan.Collection{{Name: "Articles", Properties: map[string]string{"title": "word", "body": "word"}, Shards: []string{"s1"}, Replicas: 2}},
		Tasks:       []taskplan.InheritedTask{{Task: reindex, Status: "PAUSED"}},
	}
	other, body := reindex, reindex
	other.ID = "other"
	body.ID, body.Property = "body", "body"
	for i, op := range []taskplan.Operation{
		{Do: taskplan.AddTask, Task: &body},
		{Do: taskplan.AddTask, Task: &reindex},
		{Do: taskplan.AddTask, Task: &other},
		{Do: taskplan.UpdateProperty, Target: "Articles", Property: "title", Tokenization: "field"},
		{Do: taskplan.FailTask, Namespace: "reindex", TaskID: "r"},
		{Do: taskplan.CleanUpTask, Namespace: "reindex", TaskID: "r"},
	} {
		op.At, op.Node = plan.Duration(time.Duration(4+i)*time.Second), "n1"
		p.Workload = append(p.Workload, op)
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskStays, Namespace: "reindex", TaskID: "r"},
		{Expect: taskplan.TaskEnds, Namespace: "reindex", TaskID: "body", Status: "FINISHED"},
		{Expect: taskplan.OperationsEnd, Operations: []int{1, 2, 3, 4, 5}, Outcome: "rejected"},
	}
	p.Duration = plan.Duration(property.Bound(&p) + 20*time.Second)
	return &p
}

func TestWhatANewerVersionHasLeftStaysAsItIs(t *testing.T) {
	p := rolledBack()
	whole := taskstest.Trace(t, p)
	require.Empty(t, whole.Footer.Verdict.Violations)
	require.Equal(t, int64(1), whole.Footer.Counters["excused/P16/newer-version"])
	require.Zero(t, whole.Footer.Counters["excused/P16/run-too-short"])

	set := func(e *trace.Event, key string, to trace.Field) {
		e.Fields = slices.Clone(e.Fields)
		e.Fields[slices.IndexFunc(e.Fields, func(f trace.Field) bool { return f.Key == key })] = to
	}
	committed := func(command, about string) func(trace.Event) bool {
		return is(trace.Committed, "command="+command, "body="+about)
	}
	accepted := func(e *trace.Event) { set(e, "outcome", trace.Str("outcome", "ok")) }
	const add, mark, again = "DISTRIBUTED_TASK_ADD", "DISTRIBUTED_TASK_MARK_FAILED", `"id":"r"`
	changed, inherited := is(trace.TaskChanged, "task=r"), is(trace.Inherited)
	for name, c := range map[string]struct {
		of   func(trace.Event) bool
		edit func(e *trace.Event)
		want []string
	}{
		"its id is taken":                      {committed(add, again), accepted, []string{"P2", "P3", "P11"}},
		"its data are another's":               {committed(add, `"id":"other"`), accepted, []string{"P2", "P11"}},
		"a user changes its data":              {committed("UPDATE_PROPERTY", "field"), accepted, []string{"P2", "P11"}},
		"it is given up":                       {committed(mark, again), accepted, []string{"P2", "P3", "P17"}},
		"it can never be given up":             {committed(mark, again), never(set), []string{"P2", "P17"}},
		"it is cleaned up":                     {committed("DISTRIBUTED_TASK_CLEAN_UP", again), accepted, []string{"P2", "P3"}},
		"it begins to work":                    {changed, func(e *trace.Event) { set(e, "status", trace.Str("status", "STARTED")) }, []string{"P2", "P3"}},
		"its record goes":                      {changed, func(e *trace.Event) { set(e, "status", trace.Str("status", "")) }, []string{"P2", "P3"}},
		"a node begins with another":           {is(trace.SnapshotRestored, "node=n2"), func(e *trace.Event) { set(e, "hash", trace.Str("hash", "x")) }, []string{"P1"}},
		"it was never there":                   {inherited, func(e *trace.Event) { set(e, "snapshot", trace.Str("snapshot", "{}")) }, []string{"P2", "P3"}},
		"the inherited snapshot is unreadable": {inherited, func(e *trace.Event) { set(e, "snapshot", trace.Str("snapshot", "{")) }, []string{"P2"}},
	} {
		t.Run(name, func(t *testing.T) {
			events := slices.Clone(whole.Events)
			c.edit(&events[find(events, c.of)])
			found, counters := found(p, events)
			for _, property := range c.want {
				require.Contains(t, found, property)
			}
			if name == "it begins to work" {
				require.Contains(t, found, "P16", "what has moved is not waived")
				require.Zero(t, counters["excused/P16/newer-version"])
			}
		})
	}
}

// A reindex that has swapped cannot flip the schema while a repair works on the same
// collection, also in an unknown status.
func TestAFlipWaitsForWhatANewerVersionHasLeft(t *testing.T) {
	p := rolledBack()
	p.Inherited.Tasks[0].Task = taskplan.Task{Kind: taskplan.Repair, ID: "r", Collection: "Articles", Parallel: 1}
	p.Workload, p.Promises = p.Workload[:1], nil
	whole := taskstest.Trace(t, p)
	require.Empty(t, whole.Footer.Verdict.Violations)
	require.Equal(t, int64(2), whole.Footer.Counters["excused/P16/newer-version"], "the repair, and the reindex")

	asked := is(trace.Committed, "command=UPDATE_PROPERTY")
	properties, _ := found(p, slices.DeleteFunc(slices.Clone(whole.Events), asked))
	require.Contains(t, properties, "P16", "it does not wait if it was never refused")
}

// never lets a command be refused for ever.
func never(set func(e *trace.Event, key string, to trace.Field)) func(e *trace.Event) {
	return func(e *trace.Event) {
		set(e, "outcome", trace.Str("outcome", "[dtm-perm/task-not-finalizing] task reindex/r@3 cannot be marked failed"))
		set(e, "verdict", trace.Str("verdict", "permanent task-not-finalizing"))
	}
}

// found are the properties that a sequence of events violates, and what was counted.
func found(p *taskplan.Plan, events []trace.Event) (properties []string, counters map[string]int64) {
	o := property.New(p, property.Own)
	for _, e := range events {
		o.Observe(e)
	}
	for _, v := range o.Verdict().Violations {
		properties = append(properties, v.Property)
	}
	return properties, o.Counters()
}
