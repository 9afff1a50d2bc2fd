package scenarios

import (
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// records are the ways the record of a task goes away.
func records() []Scenario {
	return []Scenario{
		{
			Name:    "cleanup-after-ttl",
			Summary: "records of a finished, a failed and a cancelled task go when their time has come, and local state after them",
			write:   cleanupAfterTTL,
		},
		{
			Name:    "drop-and-recreate",
			Summary: "a collection is dropped with its records and created again; nothing of the old one comes back",
			write:   dropAndRecreate,
		},
	}
}

func cleanupAfterTTL(d *draft) {
	d.nodes(3, 3, 5)
	ttl := d.duration("ttl", 15*time.Second, 30*time.Second)
	d.plan.CompletedTaskTTL = plan.Duration(ttl)
	c := d.library(articles)
	d.create(c)

	finished := d.retokenize(c, "finishes", trigram)
	finished.Barrier = d.number("barrier", 0, 1) == 1
	d.add(finished)

	failed := &taskplan.Task{
		Kind: taskplan.Cleanup, ID: "fails", Files: 12, Parallel: 2,
		MinUnitTime: plan.Duration(time.Second), FailUnits: []string{"file-0007"},
	}
	d.add(failed)

	cancelled := &taskplan.Task{
		Kind: taskplan.Repair, ID: "is-cancelled", Collection: c.Name,
		MinUnitTime: plan.Duration(10 * time.Second), Parallel: 1,
	}
	d.add(cancelled)
	d.wait("before-cancel", 200*time.Millisecond, 5*time.Second)
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.CancelTask, Namespace: string(cancelled.Kind), TaskID: cancelled.ID}))

	d.promise(
		ending(finished, "FINISHED"), of(finished, taskplan.RecordGone),
		ending(failed, "FAILED"), of(failed, taskplan.RecordGone),
		ending(cancelled, "CANCELLED"), of(cancelled, taskplan.RecordGone),
	)
	d.serves(c.Name, title, trigram)
	d.pass(finished, d.perNode(c))
	d.now += ttl + 3*schedulerTick
}

func dropAndRecreate(d *draft) {
	c := d.library(articles)
	d.create(c)
	notes := &taskplan.Collection{Name: "Notes", Properties: map[string]string{title: word}, Shards: []string{"s1", "s2"}, Replicas: d.replicas(2)}
	d.create(notes)
	drop := func(outcome, name string) {
		d.ends(outcome, d.do(taskplan.Operation{Do: taskplan.DropCollection, Target: name}))
	}

	first := d.retokenize(c, "retokenize", trigram)
	d.add(first)
	d.wait("too-early", 200*time.Millisecond, 1500*time.Millisecond)
	drop(rejected, c.Name)
	d.pass(first, d.perNode(c))
	d.promise(ending(first, "FINISHED"))

	drop(ok, c.Name)
	drop(ok, notes.Name)
	d.promise(taskplan.Promise{Expect: taskplan.CollectionGone, Collection: notes.Name})
	d.wait("before-recreate", time.Second, 2*schedulerTick)
	d.create(c)

	// The new collection has the name of the old one, and nothing else of it.
	second := d.retokenize(c, "retokenize-again", field)
	d.add(second)
	d.pass(second, d.perNode(c))
	d.promise(of(first, taskplan.RecordGone), ending(second, "FINISHED"), of(second, taskplan.UnitsOnce))
	d.serves(c.Name, title, field)
}
