package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// stateProjector projects the state of the cluster: what the log comes to, and the nodes.
type stateProjector struct {
	changes
	log *projection.Log
	// schema is the newest one.
	schema *schema
	// turned are the indices of the commands that changed the status of a task.
	turned map[uint64]bool
	nodes  map[string]*nodeState
}

// nodeState is a node in its newest incarnation.
type nodeState struct {
	part, applied string // the names of its parts
	index         uint64
	schema        *schema
	handles       map[taskevent.Run][]handle
	// serves is what shards serve, by part and property; it outlives incarnations.
	serves map[string]map[string]string
}

type handle struct {
	number      int64
	terminating bool
}

func newStateProjector(tl *Timeline) *stateProjector {
	p := &stateProjector{changes: newChanges(), log: projection.NewLog(), schema: new(schema), turned: make(map[uint64]bool), nodes: make(map[string]*nodeState)}
	for _, l := range tl.Lanes {
		part := path("node", l.Name)
		p.nodes[l.Name] = &nodeState{part: part, applied: part + "/applied", schema: new(schema)}
	}
	return p
}

// projector folds events into changes of parts of the state.
type projector interface {
	observe(e *trace.Event, last bool)
	recorded() []Change
}

// projectState projects all changes: of the cluster, of the memories of schedulers, of
// properties, in this order for each event. The projectors are independent of each other.
func (tl *Timeline) projectState() {
	state := newStateProjector(tl)
	projectors := []projector{state, newMemoryProjector(tl), newPropertyProjector(tl)}
	var work sync.WaitGroup
	for _, p := range projectors {
		work.Go(func() {
			for i := range tl.Trace.Events {
				p.observe(&tl.Trace.Events[i], i == len(tl.Trace.Events)-1)
			}
		})
	}
	work.Wait()
	for _, p := range projectors {
		tl.Changes = append(tl.Changes, p.recorded()...)
	}
	tl.turned = state.turned
	slices.SortStableFunc(tl.Changes, func(a, b Change) int { return a.Seq - b.Seq })
}

// changes records the values of parts.
type changes struct {
	e     *trace.Event
	state map[string]string
	// under are the parts that a part owns.
	under map[string]map[string]bool
	all   []Change
}

func newChanges() changes {
	return changes{state: make(map[string]string), under: make(map[string]map[string]bool)}
}

func (c *changes) recorded() []Change { return c.all }

// escape keeps the separator out of names.
var escape = strings.NewReplacer("%", "%25", "/", "%2F")

func path(names ...string) string {
	for i, name := range names {
		names[i] = escape.Replace(name)
	}
	return strings.Join(names, "/")
}

// set records the value of a part from this event on; empty for none.
func (c *changes) set(part, value string) {
	if c.state[part] == value {
		return
	}
	if value == "" {
		delete(c.state, part)
	} else {
		c.state[part] = value
	}
	c.all = append(c.all, Change{Seq: c.e.Seq, Part: part, Value: value})
}

// below records the value of a part that another one owns.
func (c *changes) below(owner, part, value string) {
	if c.under[owner] == nil {
		c.under[owner] = make(map[string]bool)
	}
	c.under[owner][part] = true
	c.set(part, value)
}

// clear removes all parts that a part owns.
func (c *changes) clear(owner string) {
	for _, part := range slices.Sorted(maps.Keys(c.under[owner])) {
		c.set(part, "")
	}
	delete(c.under, owner)
}

func (p *stateProjector) observe(e *trace.Event, _ bool) {
	p.e = e
	p.log.Take(e)
	switch b := e.Body.(type) {
	case *event.Inherited:
		p.inherit()
	case *event.Committed:
		p.committed()
	case *taskevent.TaskChanged:
		p.taskChanged(b)
	case *event.Explored:
		p.model(b.Parts)
	case *event.Step:
		p.model(b.Parts)
	}
	if h := p.nodes[e.Node]; h != nil {
		p.nodeEvent(h)
	}
}

// model projects parts of the state of a machine of the model checker.
func (p *stateProjector) model(parts []trace.Field) {
	for _, f := range parts {
		if name, ok := strings.CutPrefix(f.Key, "= "); ok {
			p.set(path("model", name), f.Text())
		}
	}
}

// inherit projects the snapshot that is on every disk when the run begins.
func (p *stateProjector) inherit() {
	p.set("log", strconv.FormatUint(p.log.Newest, 10))
	p.foldSchema()
	for _, r := range p.log.Order {
		p.set(taskPart(r), taskText(r))
		p.units(r)
		p.acks(r)
	}
}

// committed projects a command of the log, except for what it left of tasks.
func (p *stateProjector) committed() {
	c := p.log.Command
	p.set("log", strconv.FormatUint(c.Index, 10))
	if !c.OfTask() {
		p.foldSchema()
	} else if r := p.log.Runs[c.Run()]; r != nil {
		p.acks(r)
	}
}

// taskChanged projects what the newest command left of a task.
func (p *stateProjector) taskChanged(b *taskevent.TaskChanged) {
	ch := p.log.Change
	if ch == nil {
		return
	}
	if ch.Before != ch.After {
		p.turned[p.log.Command.Index] = true
	}
	part := taskPart(ch.Run)
	switch p.log.Current[b.Key()] {
	case nil:
		p.set(part, "")
		p.clear(part)
		return
	case ch.Run:
	default:
		return
	}
	if ch.Before == taskevent.Absent {
		p.clear(part)
		p.units(ch.Run)
	}
	p.set(part, taskText(ch.Run))
	if b.Unit != "" {
		p.below(part, part+"/"+path("unit", b.Unit), unitText(b.UnitStatus, b.Owner, b.Progress))
	}
}

// taskPart returns the part of a run's task.
func taskPart(r *projection.Run) string { return path("task", r.ID.Namespace, r.ID.Task) }

// taskText returns the version and the status of a run.
func taskText(r *projection.Run) string { return fmt.Sprintf("v%d %s", r.ID.Version, r.Status) }

// units projects the units that a run begins with.
func (p *stateProjector) units(r *projection.Run) {
	for _, id := range r.UnitIDs() {
		u, progress := r.Units[id], ""
		if u.Owner != "" {
			progress = strconv.FormatFloat(u.Progress, 'g', -1, 32)
		}
		p.below(taskPart(r), taskPart(r)+"/"+path("unit", id), unitText(u.Status, u.Owner, progress))
	}
}

// unitText returns the state of a unit.
func unitText(status taskevent.UnitStatus, owner, progress string) string {
	text := string(status)
	if owner != "" {
		text += " by " + owner
	}
	if progress != "" {
		text += ", " + progress
	}
	return text
}

// acks projects the acks of a run that the event has added.
func (p *stateProjector) acks(r *projection.Run) {
	added := func(name string, acks map[string]projection.Ack) {
		for _, node := range slices.Sorted(maps.Keys(acks)) {
			if acks[node].Seq == p.e.Seq {
				p.below(taskPart(r), taskPart(r)+"/"+path(name, node), ackText(acks[node]))
			}
		}
	}
	added("prepared", r.Prepared)
	added("swapped", r.Swapped)
}

// ackText returns the outcome of an ack.
func ackText(a projection.Ack) string {
	switch {
	case a.Success:
		return "ok"
	case a.Error == "":
		return "failed"
	}
	return "failed: " + a.Error
}
