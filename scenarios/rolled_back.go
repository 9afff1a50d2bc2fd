package scenarios

import (
	"slices"
	"time"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// rollbacks begin with what a newer version of the software has left.
func rollbacks() []Scenario {
	return []Scenario{
		{
			Name:    "rolled-back",
			own:     true,
			Summary: "a cluster goes back to this version with tasks in statuses that only the newer one knows: they stay, and keep what is theirs",
			write:   rolledBack,
		},
	}
}

// What a newer version calls the statuses of tasks that it works on.
const (
	paused = "PAUSED"
	queued = "QUEUED"
)

func rolledBack(d *draft) {
	d.nodes(3, 3, 5)
	d.plan.CompletedTaskTTL = plan.Duration(d.duration("ttl", 10*time.Second, 20*time.Second))
	c := d.library(articles)
	reindex := d.retokenize(c, "to-trigram", trigram)
	reindex.Barrier = d.number("barrier", 0, 1) == 1
	sweep := &taskplan.Task{Kind: taskplan.Cleanup, ID: "sweep", Files: 6, MinUnitTime: plan.Duration(200 * time.Millisecond), Parallel: 2}
	d.plan.Inherited = &taskplan.Inherited{
		Collections: []taskplan.Collection{*c},
		Tasks:       []taskplan.InheritedTask{{Task: *reindex, Status: paused}, {Task: *sweep, Status: queued}},
	}
	refused := func(op taskplan.Operation) {
		d.ends(rejected, d.do(op))
		d.wait("next", 50*time.Millisecond, 400*time.Millisecond)
	}

	// What is free goes on as ever.
	body := d.retokenize(c, "body-to-field", field)
	body.Property = "body"
	d.add(body)
	files := *sweep
	files.ID = "sweep-again"
	d.add(&files)

	// What belongs to a task that this version cannot read is not free.
	refused(taskplan.Operation{Do: taskplan.AddTask, Task: d.retokenize(c, reindex.ID, field)})
	refused(taskplan.Operation{Do: taskplan.AddTask, Task: d.retokenize(c, "to-field", field)})
	refused(taskplan.Operation{Do: taskplan.AddTask, Task: sweep})
	refused(taskplan.Operation{Do: taskplan.UpdateProperty, Target: c.Name, Property: title, Tokenization: field})
	refused(taskplan.Operation{Do: taskplan.DropCollection, Target: c.Name})

	// Nor does any command of this version end it.
	for _, t := range []*taskplan.Task{reindex, sweep} {
		for _, do := range []taskplan.Action{taskplan.CancelTask, taskplan.FailTask, taskplan.CleanUpTask} {
			refused(taskplan.Operation{Do: do, Namespace: string(t.Kind), TaskID: t.ID})
		}
	}
	d.pass(body, d.perNode(c))
	d.now += d.plan.CompletedTaskTTL.D() + 3*schedulerTick
	d.now = max(d.now, property.Bound(&d.plan)) // what stays has had the time to end
	refused(taskplan.Operation{Do: taskplan.AddTask, Task: d.retokenize(c, reindex.ID, field)})
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks}))

	d.promise(
		of(reindex, taskplan.TaskStays), of(reindex, taskplan.NoSwap), of(sweep, taskplan.TaskStays),
		ending(body, "FINISHED"), of(body, taskplan.RecordGone), ending(&files, "FINISHED"), of(&files, taskplan.RecordGone),
	)
	d.serves(c.Name, title, word)
	d.serves(c.Name, body.Property, field)
}

// inherit lets the run begin with a collection, and with tasks that a newer version was
// at work on. The workload meets them like those that it submits.
func (w *composer) inherit(c *taskplan.Collection) {
	w.collections = append(w.collections, c)
	h := &taskplan.Inherited{Collections: []taskplan.Collection{*c}}
	for range 1 + w.number("inherited-tasks", 2) {
		t := w.task()
		if slices.ContainsFunc(w.tasks, func(o *taskplan.Task) bool { return o.Kind == t.Kind }) {
			continue // two about the same data are no inheritance
		}
		h.Tasks = append(h.Tasks, taskplan.InheritedTask{Task: *t, Status: pick(w.choices, "status", paused, queued)})
		w.tasks = append(w.tasks, t)
	}
	w.plan.Inherited, w.inherited = h, len(h.Tasks)
}
