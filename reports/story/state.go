package story

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/sim/trace"
)

// teller folds events into the parts of the state. It believes the trace: what a task is,
// is what task-changed says; bodies of commands are asked only for what no event says.
type teller struct {
	story *Story
	e     *trace.Event
	state map[string]string
	// under are the parts below a part that go with it.
	under map[string]map[string]bool
	tasks map[[2]string]*task
	// command is the newest command of the log.
	command *Commit
	about   about
	schema  *schema
	nodes   map[string]*host
	remember
	judge
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
	t := &teller{
		story: s, state: make(map[string]string), under: make(map[string]map[string]bool),
		tasks: make(map[[2]string]*task), schema: &schema{}, nodes: make(map[string]*host),
	}
	for _, l := range s.Lanes {
		part := path("node", l.Name)
		t.nodes[l.Name] = &host{part: part, applied: part + "/applied"}
	}
	p := &s.Trace.Header.Plan
	t.remember = newRemember(p)
	t.judge = newJudge(p)
	return t
}

// tell tells all changes.
func (t *teller) tell() {
	for i := range t.story.Trace.Events {
		t.e = &t.story.Trace.Events[i]
		t.take()
		t.recall()
		t.judged(i == len(t.story.Trace.Events)-1)
	}
}

// escape keeps names from being taken for paths.
var escape = strings.NewReplacer("%", "%25", "/", "%2F")

func path(names ...string) string {
	for i, name := range names {
		names[i] = escape.Replace(name)
	}
	return strings.Join(names, "/")
}

// set says what a part is from here on; empty for gone.
func (t *teller) set(part, value string) {
	if t.state[part] == value {
		return
	}
	if value == "" {
		delete(t.state, part)
	} else {
		t.state[part] = value
	}
	t.story.Changes = append(t.story.Changes, Change{Seq: t.e.Seq, Part: part, Value: value})
}

// below says what a part is that goes with another one.
func (t *teller) below(owner, part, value string) {
	if t.under[owner] == nil {
		t.under[owner] = make(map[string]bool)
	}
	t.under[owner][part] = true
	t.set(part, value)
}

// clear lets everything go that goes with a part.
func (t *teller) clear(owner string) {
	for _, part := range slices.Sorted(maps.Keys(t.under[owner])) {
		t.set(part, "")
	}
	delete(t.under, owner)
}

func (t *teller) take() {
	e := t.e
	switch e.Kind {
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
	value := "ok"
	if !t.about.Success {
		value = "failed"
		if t.about.Error != "" {
			value += ": " + t.about.Error
		}
	}
	if t.state[part] == "" {
		t.below(r.part, part, value)
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
		value := t.e.Str("unit_status")
		if owner := t.e.Str("owner"); owner != "" {
			value += " by " + owner
		}
		if progress := t.e.Str("progress"); progress != "" {
			value += ", " + progress
		}
		t.below(r.part, r.part+"/"+path("unit", unit), value)
	}
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
