package scenarios

import (
	"fmt"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
	"dtsim/sim/plan"
)

// What the journeys call things.
const (
	articles = "Articles"
	title    = "title"
	word     = "word"
	trigram  = "trigram"
	field    = "field"
)

// journeys are the four journeys of the package page, and what can happen on the
// way.
func journeys() []Scenario {
	return []Scenario{
		{
			Name:    "journey-1",
			Summary: "1,000 files are spread over any nodes; each is cleaned up exactly once",
			write:   journey1,
		},
		{
			Name:    "journey-2",
			Summary: "every replica is rebuilt and swaps on its own; the configuration stays. Ticks are a minute apart, wakes carry the task",
			write:   journey2,
		},
		{
			Name:    "journey-3",
			Summary: "a property changes its tokenization: all replicas reindex, then all swap, then the schema flips",
			write:   func(d *draft) { journey3(d, false) },
		},
		{
			Name:    "journey-3-barrier",
			Summary: "journey-3 with the preparation barrier: no node swaps before all have prepared",
			write:   func(d *draft) { journey3(d, true) },
		},
		{
			Name:    "journey-4",
			Summary: "every tenant is a group that swaps when it is done, one long before another",
			write:   journey4,
		},
		{
			Name:    "journey-4-failure",
			Summary: "one tenant fails: the task fails, the tenants that had completed keep their swap on all replicas",
			write:   journey4Failure,
		},
	}
}

func journey1(d *draft) {
	d.nodes(3, 3, 4, 5)
	t := &taskplan.Task{
		Kind:        taskplan.Cleanup,
		ID:          "clean-files",
		Files:       1000,
		MinUnitTime: plan.Duration(d.duration("min-unit", 20*time.Millisecond, 60*time.Millisecond)),
		MaxUnitTime: plan.Duration(d.duration("max-unit", 80*time.Millisecond, 200*time.Millisecond)),
		Parallel:    d.number("parallel", 12, 20),
	}
	d.add(t)
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce))
	d.pass(t, t.Files/d.plan.Cluster.Nodes)
}

// library is the collection of most scenarios.
func (d *draft) library(name string) *taskplan.Collection {
	c := &taskplan.Collection{
		Name:       name,
		Properties: map[string]string{title: word, "body": word},
		Replicas:   d.replicas(d.number("replicas/"+name, 2, 3)),
	}
	for i := range d.number("shards/"+name, 3, 4) {
		c.Shards = append(c.Shards, fmt.Sprintf("s%d", i+1))
	}
	return c
}

// unit is the name of the unit for replica r of shard s of c.
func (d *draft) unit(c *taskplan.Collection, s, r int) string {
	shards := c.Shards
	if len(shards) == 0 {
		shards = c.Tenants
	}
	return fmt.Sprintf("%s__%s", shards[s], nodeName((s+r)%max(1, d.plan.Cluster.Nodes)))
}

func journey2(d *draft) {
	d.nodes(3, 3, 5)
	d.plan.SchedulerTick = plan.Duration(sched.DefaultTickInterval)
	c := d.library(articles)
	d.create(c)
	t := &taskplan.Task{
		Kind:        taskplan.Repair,
		ID:          "rebuild",
		Collection:  c.Name,
		MinUnitTime: plan.Duration(2 * time.Second),
		MaxUnitTime: plan.Duration(d.duration("max-unit", 3*time.Second, 8*time.Second)),
		Parallel:    d.number("parallel", 1, 2),
	}
	d.add(t)
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce), of(t, taskplan.SwapsOnce), of(t, taskplan.CallbacksOnce))
	d.serves(c.Name, title, word)
	d.pass(t, d.perNode(c))
}

// retokenize is the task that changes the title of c.
func (d *draft) retokenize(c *taskplan.Collection, id, tokenization string) *taskplan.Task {
	return &taskplan.Task{
		Kind:         taskplan.Reindex,
		ID:           id,
		Collection:   c.Name,
		Property:     title,
		Tokenization: tokenization,
		MinUnitTime:  plan.Duration(2 * time.Second),
		MaxUnitTime:  plan.Duration(d.duration("max-unit/"+id, 3*time.Second, 8*time.Second)),
		Parallel:     d.number("parallel/"+id, 1, 2),
	}
}

// happened promises a task that changed what it was to change, once everywhere.
func (d *draft) happened(t *taskplan.Task) {
	d.promise(ending(t, "FINISHED"), of(t, taskplan.UnitsOnce), of(t, taskplan.SwapsOnce), of(t, taskplan.CallbacksOnce))
	d.serves(t.Collection, t.Property, t.Tokenization)
}

func journey3(d *draft, barrier bool) {
	c := d.library(articles)
	d.create(c)
	t := d.retokenize(c, "to-trigram", trigram)
	t.Barrier = barrier
	d.add(t)

	// While the units are at work, no other command may change the property.
	d.wait("meddle", 200*time.Millisecond, 1500*time.Millisecond)
	d.ends(rejected, d.do(taskplan.Operation{Do: taskplan.UpdateProperty, Target: c.Name, Property: title, Tokenization: field}))
	d.ends(ok, d.do(taskplan.Operation{Do: taskplan.ListTasks}))

	d.happened(t)
	d.serves(c.Name, "body", word)
	d.pass(t, d.perNode(c))
}

// hotel is the multi-tenant collection of journey 4.
func (d *draft) hotel() *taskplan.Collection {
	c := &taskplan.Collection{Name: "Rooms", Properties: map[string]string{title: word}, Replicas: d.replicas(2)}
	for i := range d.number("tenants", 4, 5) {
		c.Tenants = append(c.Tenants, fmt.Sprintf("t%d", i+1))
	}
	return c
}

// perTenant is the task that changes the title of every tenant, with all units of
// a node at once, so that the tenants do not wait for each other.
func (d *draft) perTenant(c *taskplan.Collection) *taskplan.Task {
	t := d.retokenize(c, "tenants-to-trigram", trigram)
	t.MaxUnitTime = plan.Duration(d.duration("max-unit", 2500*time.Millisecond, 4*time.Second))
	t.PerTenant = true
	t.Parallel = d.perNode(c)
	return t
}

func journey4(d *draft) {
	d.nodes(3, 3, 4)
	c := d.hotel()
	d.create(c)
	t := d.perTenant(c)
	t.SlowUnits = []string{d.unit(c, d.number("slow-tenant", 0, len(c.Tenants)-1), 0)}
	d.add(t)
	d.happened(t)
	d.promise(of(t, taskplan.GroupsEarly))
	d.pass(t, d.perNode(c))
}

func journey4Failure(d *draft) {
	d.nodes(3, 3, 4)
	c := d.hotel()
	d.create(c)
	t := d.perTenant(c)
	bad := d.number("bad-tenant", 0, len(c.Tenants)-1)
	// The bad unit takes ten times as long, so the other tenants have swapped.
	t.SlowUnits = []string{d.unit(c, bad, 0)}
	t.FailUnits = t.SlowUnits
	d.add(t)
	d.promise(ending(t, "FAILED"), of(t, taskplan.CallbacksOnce), of(t, taskplan.GroupsEarly),
		taskplan.Promise{Expect: taskplan.SchemaIs, Collection: c.Name, Property: title, Tokenization: word})
	for i, tenant := range c.Tenants {
		serves := trigram
		if i == bad {
			serves = word
		}
		d.promise(taskplan.Promise{Expect: taskplan.ShardsAre, Collection: c.Name, Tenant: tenant, Property: title, Tokenization: serves})
	}
	d.pass(t, d.perNode(c))
}
