package story

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

// teller folds events into the parts of the state. It believes the trace: what a task is,
// is what task-changed says; bodies of commands are asked only for what no event says.
type teller struct {
	changes
	story *Story
	tasks map[[2]string]*task
	// command is the newest command of the log.
	command *Commit
	about   about
	schema  *schema
	nodes   map[string]*host
}

// task is the record of a task.
type task struct {
	part    string
	version int64
	status  string
}

// host is a node in its newest incarnation.
type host struct {
	part, applied string // the names of its parts
	index         uint64
	schema        *schema
	handles       map[run][]handle
	// serves is what shards serve, by part and property; it outlives incarnations.
	serves map[string]map[string]string
}

type handle struct {
	number int64
	told   bool
}

func newTeller(s *Story) *teller {
	t := &teller{changes: newChanges(), story: s, tasks: make(map[[2]string]*task), schema: &schema{}, nodes: make(map[string]*host)}
	for _, l := range s.Lanes {
		part := path("node", l.Name)
		t.nodes[l.Name] = &host{part: part, applied: part + "/applied"}
	}
	return t
}

// folder folds events into parts of the state.
type folder interface {
	take(e *trace.Event, last bool)
	told() []Change
}

// tellState tells all changes: what the trace says, what schedulers remember, what is
// true of properties, in this order for each event. None needs the others.
func (s *Story) tellState() {
	folders := []folder{newTeller(s), newRemember(s), newJudge(s)}
	var work sync.WaitGroup
	for _, f := range folders {
		work.Go(func() {
			for i := range s.Trace.Events {
				f.take(&s.Trace.Events[i], i == len(s.Trace.Events)-1)
			}
		})
	}
	work.Wait()
	for _, f := range folders {
		s.Changes = append(s.Changes, f.told()...)
	}
	slices.SortStableFunc(s.Changes, func(a, b Change) int { return a.Seq - b.Seq })
}

// changes are what becomes of parts.
type changes struct {
	e     *trace.Event
	state map[string]string
	// under are the parts below a part that go with it.
	under map[string]map[string]bool
	all   []Change
}

func newChanges() changes {
	return changes{state: make(map[string]string), under: make(map[string]map[string]bool)}
}

func (c *changes) told() []Change { return c.all }

// escape keeps names from being taken for paths.
var escape = strings.NewReplacer("%", "%25", "/", "%2F")

func path(names ...string) string {
	for i, name := range names {
		names[i] = escape.Replace(name)
	}
	return strings.Join(names, "/")
}

// set says what a part is from here on; empty for gone.
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

// below says what a part is that goes with another one.
func (c *changes) below(owner, part, value string) {
	if c.under[owner] == nil {
		c.under[owner] = make(map[string]bool)
	}
	c.under[owner][part] = true
	c.set(part, value)
}

// clear lets everything go that goes with a part.
func (c *changes) clear(owner string) {
	for _, part := range slices.Sorted(maps.Keys(c.under[owner])) {
		c.set(part, "")
	}
	delete(c.under, owner)
}

func (t *teller) take(e *trace.Event, _ bool) {
	t.e = e
	switch e.Kind {
	case trace.Inherited:
		t.inherit()
	case trace.Committed:
		t.committed()
	case trace.TaskChanged:
		t.taskChanged()
	case trace.Explored, trace.Step:
		for i := range e.Fields {
			if name, ok := strings.CutPrefix(e.Fields[i].Key, "= "); ok {
				t.set(path("model", name), e.Fields[i].Text())
			}
		}
	}
	if h := t.nodes[e.Node]; h != nil {
		t.onNode(h)
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

// committed takes in a command of the log.
func (t *teller) committed() {
	at, _ := slices.BinarySearchFunc(t.story.Commits, t.e.Seq, func(c Commit, seq int) int { return c.Seq - seq })
	t.command = &t.story.Commits[at]
	t.set("log", strconv.FormatUint(t.command.Index, 10))
	t.about = read(t.command.Body)
	if t.command.Outcome != "ok" || t.command.Duplicate {
		return
	}
	switch t.command.Command {
	case preparationAck, postAck:
		t.acked()
	case createCollection, dropCollection, updateProperty, deleteTenants:
		t.fold()
	}
}

// acked takes in an ack where it counts: before or in its phase, and the first one of
// its node.
func (t *teller) acked() {
	r := t.tasks[[2]string{t.about.Namespace, t.about.ID}]
	phase, name := "SWAPPING", "swapped"
	if t.command.Command == preparationAck {
		phase, name = "PREPARING", "prepared"
	}
	if r == nil || r.version != int64(t.about.Version) || r.status != "STARTED" && r.status != phase {
		return
	}
	part := r.part + "/" + path(name, t.about.NodeID)
	if t.state[part] == "" {
		t.below(r.part, part, ackIs(t.about.Success, t.about.Error))
	}
}

// taskChanged takes in what the newest command has left of a task.
func (t *teller) taskChanged() {
	id, key := runOf(t.e), [2]string{t.e.Str("namespace"), t.e.Str("task")}
	r := t.tasks[key]
	status := t.e.Str("status")
	switch {
	case status == "" && r != nil && r.version == id.version:
		t.set(r.part, "")
		t.clear(r.part)
		delete(t.tasks, key)
		return
	case status == "":
		return
	case r == nil || r.version != id.version:
		part := path("task", id.namespace, id.task)
		t.clear(part)
		r = &task{part: part, version: id.version}
		t.tasks[key] = r
		t.added(r)
	}
	r.status = status
	t.set(r.part, fmt.Sprintf("v%d %s", r.version, status))
	if unit := t.e.Str("unit"); unit != "" {
		t.below(r.part, r.part+"/"+path("unit", unit), unitIs(t.e.Str("unit_status"), t.e.Str("owner"), t.e.Str("progress")))
	}
}

// unitIs says what a unit is.
func unitIs(status, owner, progress string) string {
	if owner != "" {
		status += " by " + owner
	}
	if progress != "" {
		status += ", " + progress
	}
	return status
}

// ackIs says what an ack says.
func ackIs(success bool, err string) string {
	switch {
	case success:
		return "ok"
	case err == "":
		return "failed"
	}
	return "failed: " + err
}

// added tells the units that a task begins with.
func (t *teller) added(r *task) {
	if t.command == nil || t.command.Command != addTask || int64(t.command.Index) != r.version {
		return
	}
	ids := t.about.UnitIDs
	if len(t.about.UnitSpecs) > 0 {
		ids = nil
		for _, spec := range t.about.UnitSpecs {
			if spec != nil {
				ids = append(ids, spec.ID)
			}
		}
	}
	for _, id := range ids {
		t.below(r.part, r.part+"/"+path("unit", id), "PENDING")
	}
}
