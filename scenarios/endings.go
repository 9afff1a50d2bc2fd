package scenarios

import (
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// endings are the ways a task ends other than by finishing at the first try.
func endings() []Scenario {
	return []Scenario{
		{
			Name:    "cancel-in-flight",
			Summary: "a reindex is cancelled while its units are at work: nothing swaps, the schema stays",
			write:   cancelInFlight,
		},
		{
			Name:    "unit-failure",
			Summary: "one unit of a reindex fails, which is heard at the second attempt: the task fails at once, nothing swaps, the schema stays",
			write:   unitFailure,
		},
		{
			Name:    "rerun-finished",
			Summary: "an id that has finished runs again with another target; while it runs, it is refused",
			write:   rerunFinished,
		},
		{
			Name:    "conflicting-submissions",
			Summary: "two nodes submit conflicting reindexes at once: exactly one is accepted, and it finishes",
			write:   conflictingSubmissions,
		},
		{
			Name:    "bad-submissions",
			own:     true,
			Summary: "what is bad in itself is refused for ever, what cannot be worked on fails, and the others go on",
			write:   badSubmissions,
		},
	}
}

// came to nothing: the promises of a reindex that changed nothing.
func (d *draft) cameToNothing(t *taskplan.Task, status string) {
	d.promise(ending(t, status), of(t, taskplan.NoSwap))
	d.serves(t.Collection, t.Property, word)
}

func cancelInFlight(d *draft) {
	d.nodes(3, 3, 5)
	c := d.library(articles)
	d.create(c)
	t := d.retokenize(c, "to-trigram", trigram)
	t.Barrier = d.number("barrier", 0, 1) == 1
	t.MinUnitTime = plan.Duration(6 * time.Second)
	t.MaxUnitTime = plan.Duration(9 * time.Second)
	d.add(t)
	d.wait("before-cancel", 500*time.Millisecond, 5*time.Second)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.CancelTask, Namespace: string(t.Kind), TaskID: t.ID}))
	d.cameToNothing(t, "CANCELLED")

	// The property is free again.
	d.wait("after", 2*settle, 3*settle)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks}))
}

func unitFailure(d *draft) {
	d.nodes(3, 3, 5)
	c := d.library(articles)
	d.create(c)
	t := d.retokenize(c, "to-trigram", trigram)
	t.Barrier = d.number("barrier", 0, 1) == 1
	t.FailUnits = []string{d.unit(c, d.number("bad-shard", 0, len(c.Shards)-1), d.number("bad-replica", 0, c.Replicas-1))}
	d.fault(plan.Fault{Kind: plan.CallError, Op: "fail-unit", Count: 1})
	d.add(t)
	d.cameToNothing(t, "FAILED")
	d.pass(t, d.perNode(c))
	d.quiesce()
}

func rerunFinished(d *draft) {
	c := d.library(articles)
	d.create(c)
	first := d.retokenize(c, "retokenize", trigram)
	d.add(first)
	d.pass(first, d.perNode(c))
	d.promise(
		inRun(1, ending(first, "FINISHED")), inRun(1, of(first, taskplan.UnitsOnce)),
		inRun(1, of(first, taskplan.SwapsOnce)), inRun(1, of(first, taskplan.CallbacksOnce)),
	)

	second := d.retokenize(c, first.ID, field)
	second.Barrier = true
	d.add(second)
	d.wait("while-running", 200*time.Millisecond, 1500*time.Millisecond)
	d.ends(rejected, d.do(taskplan.Operation{Do: taskplan.AddTask, Task: d.retokenize(c, first.ID, word)}))
	d.pass(second, d.perNode(c))
	d.promise(
		inRun(2, ending(second, "FINISHED")), inRun(2, of(second, taskplan.UnitsOnce)),
		inRun(2, of(second, taskplan.SwapsOnce)), inRun(2, of(second, taskplan.CallbacksOnce)),
	)
	d.serves(c.Name, title, field)
}

func conflictingSubmissions(d *draft) {
	d.nodes(2, 3, 3, 5)
	c := d.library(articles)
	d.create(c)
	here := d.retokenize(c, "to-trigram-here", trigram)
	there := d.retokenize(c, "to-trigram-there", trigram)
	there.Barrier = true
	asked := d.number("asked", 0, d.plan.Cluster.Nodes)
	one := d.do(taskplan.Operation{Do: taskplan.AddTask, Task: here, Node: nodeName(asked % d.plan.Cluster.Nodes)})
	two := d.do(taskplan.Operation{Do: taskplan.AddTask, Task: there, Node: nodeName((asked + 1) % d.plan.Cluster.Nodes)})
	// Both leave at one instant; the latencies decide who is first in the log.
	d.plan.Workload[two].At = d.plan.Workload[one].At
	for _, outcome := range []string{ok, rejected} {
		d.promise(taskplan.Promise{Expect: taskplan.OperationsEnd, Operations: []int{one, two}, Outcome: outcome, Exactly: 1})
	}
	d.serves(c.Name, title, trigram)
	d.pass(there, d.perNode(c))
}

func badSubmissions(d *draft) {
	d.nodes(3, 3, 5)
	c := d.library(articles)
	d.create(c)
	good := d.retokenize(c, "good", trigram)
	good.Barrier = d.number("barrier", 0, 1) == 1
	d.add(good)
	submit := func(t taskplan.Task, flaw taskplan.Flaw, outcome string) *taskplan.Task {
		t.ID, t.Flaw = string(flaw), flaw
		t.MinUnitTime, t.MaxUnitTime, t.Parallel = plan.Duration(200*time.Millisecond), 0, 2
		d.ends(outcome, d.do(taskplan.Operation{Do: taskplan.AddTask, Task: &t}))
		d.wait("next", 50*time.Millisecond, 400*time.Millisecond)
		return &t
	}
	files := taskplan.Task{Kind: taskplan.Cleanup, Files: 3}
	for _, flaw := range taskplan.Flaws(taskplan.Reindex) {
		retokenize := *d.retokenize(c, "", field)
		switch {
		case flaw.OfCommand():
			submit(files, flaw, rejected)
		case flaw.Unreadable():
			// Only the nodes that work on a cleanup read its payload.
			submit(retokenize, flaw, rejected)
			d.promise(ending(submit(files, flaw, ok), "FAILED"))
		case flaw == taskplan.UnknownProperty:
			d.promise(ending(submit(retokenize, flaw, ok), "FAILED"))
		case flaw == taskplan.UnknownCollection:
			submit(retokenize, flaw, rejected)
		default:
			d.promise(ending(submit(files, flaw, ok), "FINISHED"))
		}
	}
	d.promise(ending(good, "FINISHED"), of(good, taskplan.UnitsOnce), of(good, taskplan.SwapsOnce))
	d.serves(c.Name, title, trigram)
	d.pass(good, d.perNode(c))
}
