package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/sim/trace"
)

// stateProjector folds events into parts of the state. It takes the status of a task from
// task-changed events, and reads bodies of commands only for what no event has.
type stateProjector struct {
	changes
	tl    *Timeline
	tasks map[[2]string]*task
	// command is the newest command of the log.
	command *Commit
	body    commandBody
	schema  *schema
	nodes   map[string]*nodeState
}

// task is the record of a task.
type task struct {
	part    string
	version int64
	status  string
}

// nodeState is a node in its newest incarnation.
type nodeState struct {
	part, applied string // the names of its parts
	index         uint64
	schema        *schema
	handles       map[taskRun][]handle
	// serves is what shards serve, by part and property; it outlives incarnations.
	serves map[string]map[string]string
}

type handle struct {
	number      int64
	terminating bool
}

func newStateProjector(tl *Timeline) *stateProjector {
	p := &stateProjector{changes: newChanges(), tl: tl, tasks: make(map[[2]string]*task), schema: &schema{}, nodes: make(map[string]*nodeState)}
	for _, l := range tl.Lanes {
		part := path("node", l.Name)
		p.nodes[l.Name] = &nodeState{part: part, applied: part + "/applied"}
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
	projectors := []projector{newStateProjector(tl), newMemoryProjector(tl), newPropertyProjector(tl)}
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
	switch e.Kind {
	case trace.Inherited:
		p.inherit()
	case trace.Committed:
		p.committed()
	case trace.TaskChanged:
		p.taskChanged()
	case trace.Explored, trace.Step:
		for i := range e.Fields {
			if name, ok := strings.CutPrefix(e.Fields[i].Key, "= "); ok {
				p.set(path("model", name), e.Fields[i].Text())
			}
		}
	}
	if h := p.nodes[e.Node]; h != nil {
		p.nodeEvent(h)
	}
}

// The names of commands in a trace.
var (
	addTask          = replica.CommandName(api.CommandAddTask)
	preparationAck   = replica.CommandName(api.CommandRecordPreparationAck)
	postAck          = replica.CommandName(api.CommandRecordPostAck)
	createCollection = replica.CommandName(replica.CommandCreateCollection)
	dropCollection   = replica.CommandName(replica.CommandDropCollection)
	updateProperty   = replica.CommandName(replica.CommandUpdateProperty)
	deleteTenants    = replica.CommandName(replica.CommandDeleteTenants)
)

// committed projects a command of the log.
func (p *stateProjector) committed() {
	at, _ := slices.BinarySearchFunc(p.tl.Commits, p.e.Seq, func(c Commit, seq int) int { return c.Seq - seq })
	p.command = &p.tl.Commits[at]
	p.set("log", strconv.FormatUint(p.command.Index, 10))
	p.body = decodeBody(p.command.Body)
	if p.command.Outcome != "ok" || p.command.Duplicate {
		return
	}
	switch p.command.Command {
	case preparationAck, postAck:
		p.acked()
	case createCollection, dropCollection, updateProperty, deleteTenants:
		p.fold()
	}
}

// acked projects an ack where it counts: before or in its phase, and the first one of its node.
func (p *stateProjector) acked() {
	r := p.tasks[[2]string{p.body.Namespace, p.body.ID}]
	phase, name := "SWAPPING", "swapped"
	if p.command.Command == preparationAck {
		phase, name = "PREPARING", "prepared"
	}
	if r == nil || r.version != int64(p.body.Version) || r.status != "STARTED" && r.status != phase {
		return
	}
	part := r.part + "/" + path(name, p.body.NodeID)
	if p.state[part] == "" {
		p.below(r.part, part, ackIs(p.body.Success, p.body.Error))
	}
}

// taskChanged projects the state of a task after the newest command.
func (p *stateProjector) taskChanged() {
	id, key := taskRunOf(p.e), [2]string{p.e.Str("namespace"), p.e.Str("task")}
	r := p.tasks[key]
	status := p.e.Str("status")
	switch {
	case status == "" && r != nil && r.version == id.version:
		p.set(r.part, "")
		p.clear(r.part)
		delete(p.tasks, key)
		return
	case status == "":
		return
	case r == nil || r.version != id.version:
		part := path("task", id.namespace, id.task)
		p.clear(part)
		r = &task{part: part, version: id.version}
		p.tasks[key] = r
		p.added(r)
	}
	r.status = status
	p.set(r.part, fmt.Sprintf("v%d %s", r.version, status))
	if unit := p.e.Str("unit"); unit != "" {
		p.below(r.part, r.part+"/"+path("unit", unit), unitIs(p.e.Str("unit_status"), p.e.Str("owner"), p.e.Str("progress")))
	}
}

// unitIs returns the state of a unit as text.
func unitIs(status, owner, progress string) string {
	if owner != "" {
		status += " by " + owner
	}
	if progress != "" {
		status += ", " + progress
	}
	return status
}

// ackIs returns the outcome of an ack as text.
func ackIs(success bool, err string) string {
	switch {
	case success:
		return "ok"
	case err == "":
		return "failed"
	}
	return "failed: " + err
}

// added projects the units that a task begins with.
func (p *stateProjector) added(r *task) {
	if p.command == nil || p.command.Command != addTask || int64(p.command.Index) != r.version {
		return
	}
	ids := p.body.UnitIDs
	if len(p.body.UnitSpecs) > 0 {
		ids = nil
		for _, spec := range p.body.UnitSpecs {
			if spec != nil {
				ids = append(ids, spec.ID)
			}
		}
	}
	for _, id := range ids {
		p.below(r.part, r.part+"/"+path("unit", id), "PENDING")
	}
}
