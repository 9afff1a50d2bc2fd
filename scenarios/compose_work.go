package scenarios

import (
	"fmt"
	"strings"
	"time"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// workload chooses what operators and clients do: a few tasks, on data that they
// share, and what interferes with them.
func (w *composer) workload() {
	w.library()
	w.flawed = !w.family.tasksOnly && w.chance("bad-submissions", 15)
	w.submit()
	for range w.number("steps", w.family.steps) {
		w.wait("pause", 200*time.Millisecond, 20*time.Millisecond, time.Second, 3*time.Second, 5*time.Second)
		w.step()
	}
}

// library creates the data: a collection of shards, or one of tenants.
func (w *composer) library() {
	c := &taskplan.Collection{
		Name:       articles,
		Properties: map[string]string{title: word, body: word},
		Replicas:   min(w.plan.Cluster.Nodes, pick(w.choices, "replicas", 2, 3, 1)),
	}
	names := 1 + w.number("shards", 3)
	if w.chance("tenants", 35) {
		for i := range names {
			c.Tenants = append(c.Tenants, fmt.Sprintf("t%d", i+1))
		}
	} else {
		for i := range names {
			c.Shards = append(c.Shards, fmt.Sprintf("s%d", i+1))
		}
	}
	if !w.family.tasksOnly && w.chance("rolled-back", 6) && !w.published {
		w.inherit(c)
	} else {
		w.create(c)
	}
	w.now += time.Second
	if w.family.barrier || !w.chance("second-collection", 40) {
		return
	}
	w.create(&taskplan.Collection{
		Name: notes, Properties: map[string]string{title: word}, Shards: []string{"s1"}, Replicas: min(w.plan.Cluster.Nodes, 2),
	})
	w.now += time.Second / 2
}

// notes is the second collection, where there is one.
const notes = "Notes"

// body is the second property of the first one.
const body = "body"

// property chooses a property of a collection, mostly that which all have.
func (w *composer) property(c *taskplan.Collection) string {
	if c.Properties[body] != "" && w.chance("other-property", 20) {
		return body
	}
	return title
}

// data chooses one of the collections.
func (w *composer) data() *taskplan.Collection {
	return w.collections[w.number("collection", len(w.collections))]
}

// called is a name of a collection: it is the same one in any case.
func (w *composer) called(c *taskplan.Collection) string {
	if w.chance("other-case", 8) {
		return strings.ToUpper(c.Name)
	}
	return c.Name
}

func (w *composer) create(c *taskplan.Collection) {
	// A creation that got lost would make the rest of the workload void.
	if w.do(taskplan.Operation{Do: taskplan.CreateCollection, Collection: c, Retry: 3}) {
		w.collections = append(w.collections, c)
	}
}

// step adds one more operation.
func (w *composer) step() {
	if w.family.tasksOnly {
		w.submit()
		return
	}
	w.within = pick[plan.Duration](w.choices, "within", 0, 0, 0, 0, 0, plan.Duration(50*time.Millisecond), plan.Duration(500*time.Millisecond), plan.Duration(2*time.Second))
	defer func() { w.within = 0 }()
	switch pick(w.choices, "step", 's', 's', 's', 's', 's', 'a', 'a', 'c', 'c', 'f', 'u', 'l', 'x', 'd', 'p', 'r', 'q', 'q', 't', 't') {
	case 's':
		w.submit()
	case 'a':
		w.again()
	case 'c':
		w.do(w.onTask(taskplan.CancelTask))
	case 'f':
		w.do(w.onTask(taskplan.FailTask))
	case 'r':
		w.do(w.onTask(taskplan.CleanUpTask))
	case 'l':
		// A client polls.
		for range 1 + w.number("polls", 4) {
			w.do(taskplan.Operation{Do: taskplan.ListTasks})
			w.now += 300 * time.Millisecond
		}
	case 'u':
		of := w.data()
		w.do(taskplan.Operation{Do: taskplan.UpdateProperty, Target: w.called(of), Property: w.property(of), Tokenization: w.tokenization()})
	case 'p':
		w.deleteTenants()
	case 't':
		w.tenants()
	case 'q':
		w.strays()
	case 'd':
		w.do(taskplan.Operation{Do: taskplan.DropCollection, Target: w.called(w.data())})
	case 'x':
		c := w.data()
		w.do(taskplan.Operation{Do: taskplan.DropCollection, Target: w.called(c)})
		w.wait("regret", time.Second, 100*time.Millisecond, 3*time.Second)
		w.do(taskplan.Operation{Do: taskplan.CreateCollection, Collection: c, Retry: 3})
	}
}

func (w *composer) tokenization() string {
	return pick(w.choices, "tokenization", trigram, field, word)
}

// submit adds a task.
func (w *composer) submit() { w.add(w.task()) }

// likeARejection is the id of a task that reads like the rejection of a command, which callers
// recognise by such words.
const likeARejection = "b: [dtm-perm/unit-terminal] unit"

// task chooses a task.
func (w *composer) task() *taskplan.Task {
	t := &taskplan.Task{
		Kind:        pick(w.choices, "kind", w.family.tasks...),
		ID:          pick(w.choices, "id", "a", "a", "a", "b", "b", "c", "c", "A", likeARejection),
		MinUnitTime: plan.Duration(pick(w.choices, "unit-time", 500*time.Millisecond, 50*time.Millisecond, 2*time.Second, 4*time.Second)),
		Parallel:    1 + w.number("parallel", 3),
	}
	if w.chance("uneven-units", 40) {
		t.MaxUnitTime = 3 * t.MinUnitTime
	}
	c := w.data()
	switch t.Kind {
	case taskplan.Cleanup:
		t.Files = 1 + w.number("files", 6)
	case taskplan.Reindex:
		t.Property, t.Tokenization = w.property(c), w.tokenization()
		t.Barrier = w.family.barrier || w.chance("barrier", 50)
		fallthrough
	case taskplan.ShardNoop:
		t.Barrier = w.family.barrier || w.chance("barrier", 50)
		fallthrough
	case taskplan.Repair:
		t.Collection = w.called(c)
		t.PerTenant = len(c.Tenants) > 0 && w.chance("per-tenant", 60)
	}
	units := taskplan.UnitsOf(t, c, w.plan.Cluster.Nodes)
	t.Tacit = t.Kind != taskplan.Cleanup && t.Kind != taskplan.ShardNoop && w.chance("tacit", 15)
	if w.chance("slow-unit", 10) {
		t.SlowUnits = []string{units[w.number("which-slow", min(256, len(units)))].ID}
		t.MinUnitTime, t.MaxUnitTime = min(t.MinUnitTime, plan.Duration(500*time.Millisecond)), 0
	}
	if w.chance("bad-unit", 12) {
		t.FailUnits = []string{units[w.number("which-bad", min(256, len(units)))].ID}
	}
	return t
}

func (w *composer) add(t *taskplan.Task) {
	// The first one is sound: there has to be a task that goes on beside those that do not.
	if t.Flaw = ""; w.flawed && len(w.tasks) > w.inherited && w.chance("flawed", 50) {
		if t.Flaw = pick(w.choices, "flaw", taskplan.Flaws(t.Kind)...); w.published && t.Flaw.OfCommand() {
			t.Flaw = ""
		}
	}
	if w.do(taskplan.Operation{Do: taskplan.AddTask, Task: t, Retry: pick(w.choices, "retry", 0, 0, 1, 3)}) {
		w.tasks = append(w.tasks, t)
	}
}

// again submits a task under an id that is taken, as it was or with another target:
// on another node and perhaps at the same time, a conflict; later, a run of its own.
func (w *composer) again() {
	if len(w.tasks) == 0 {
		return
	}
	t := *w.some()
	if t.Kind == taskplan.Reindex && w.chance("other-target", 60) {
		t.Tokenization = w.tokenization()
	}
	if w.chance("other-id", 30) {
		t.ID += "-too"
	}
	w.add(&t)
}

// some chooses one of the tasks so far.
func (w *composer) some() *taskplan.Task { return w.tasks[w.number("task", len(w.tasks))] }

// onTask is an operation on one of the tasks, or a list when there is none.
func (w *composer) onTask(do taskplan.Action) taskplan.Operation {
	if len(w.tasks) == 0 {
		return taskplan.Operation{Do: taskplan.ListTasks}
	}
	t := w.some()
	return taskplan.Operation{Do: do, Namespace: string(t.Kind), TaskID: t.ID, Retry: pick(w.choices, "retry", 0, 1)}
}

// someOf chooses one of the tenants, or that and those behind it.
func (w *composer) someOf(tenants []string) []string {
	from := tenants[w.number("tenant", len(tenants)):]
	if w.chance("tenants-behind", 30) {
		return from
	}
	return from[:1]
}

func (w *composer) deleteTenants() {
	if tenants := w.collections[0].Tenants; len(tenants) > 0 {
		w.do(taskplan.Operation{Do: taskplan.DeleteTenants, Target: w.called(w.collections[0]), Tenants: w.someOf(tenants)})
	}
}

// tenants adds a tenant, offloads one, or has one back.
func (w *composer) tenants() {
	there := w.collections[0].Tenants
	if len(there) == 0 {
		return
	}
	op := taskplan.Operation{Do: pick(w.choices, "tenants-do", taskplan.AddTenants, taskplan.FreezeTenants, taskplan.ThawTenants), Target: w.called(w.collections[0])}
	if op.Do == taskplan.AddTenants {
		op.Tenants = []string{fmt.Sprintf("t%d", len(there)+1+w.number("new-tenant", 3))}
	} else {
		op.Tenants = w.someOf(there)
	}
	w.do(op)
}

// strays sends commands that must have no effect.
func (w *composer) strays() {
	for range 1 + w.number("strays", 6) {
		op := w.onTask(taskplan.SendStray)
		if op.Do != taskplan.SendStray {
			return
		}
		op.Retry = 0
		all := taskplan.Strays()
		op.Stray = all[w.number("stray", len(all))]
		w.do(op)
		w.now += pick(w.choices, "strays-pause", 20*time.Millisecond, 500*time.Millisecond)
	}
}

// giveUp lets an operator give up what waits for nodes that are gone for good (P17),
// when everything that can end without them has ended.
func (w *composer) giveUp() {
	if !w.swarm.departures {
		return
	}
	ends, rest := property.Bounds(&w.plan)
	at := roundUp(w.plan.Quiescence.D() + ends)
	given := make(map[[2]string]bool)
	for _, t := range w.tasks {
		key := [2]string{string(t.Kind), t.ID}
		if given[key] {
			continue
		}
		given[key] = true
		for i := range w.plan.Cluster.Nodes {
			// Which nodes are left is unknown here, so every node is asked.
			w.plan.Workload = append(w.plan.Workload, taskplan.Operation{
				At: at, Node: plan.NodeName(1 + i), Do: taskplan.FailTask, Namespace: key[0], TaskID: key[1], Retry: 1,
			})
		}
	}
	// What was given up may have kept another task from its end.
	w.plan.Duration = roundUp(at.D() + 2*w.plan.SchedulerTick.D() + rest)
}
