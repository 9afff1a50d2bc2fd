package tracecheck

import (
	"encoding/json"
	"strconv"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace"
)

// records are all states that tasks were ever in, so that a list in the trace, which
// names them by digest, can be read in full.
type records struct {
	machine spec.Machine
	states  map[string]*spec.Task
	// observed is what the newest state of a key meant to a node.
	observed map[observer]observation
}

type observer struct {
	node string
	key  key
}

type observation struct {
	digest string
	record *fsm.Task
	task   reconcile.Observation
}

func newRecords() *records {
	extractors := provider.NewSet(provider.Env{}).Extractors()
	return &records{
		machine:  spec.New(refinement.Rules(nil, nil, extractors)),
		states:   make(map[string]*spec.Task),
		observed: make(map[observer]observation),
	}
}

// inherit takes in the snapshot with which a run begins.
func (r *records) inherit(e *trace.Event) error {
	var document struct {
		Tasks json.RawMessage `json:"distributed_tasks"`
	}
	err := json.Unmarshal([]byte(e.Str("snapshot")), &document)
	if err == nil {
		r.machine, err = r.machine.Restore(document.Tasks)
	}
	for _, namespace := range r.machine.Namespaces() {
		for _, t := range r.machine.Tasks(namespace) {
			r.states[strconv.FormatUint(t.Digest(), 16)] = t
		}
	}
	return err
}

var dropCollection = replica.CommandName(replica.CommandDropCollection)

// take takes in a committed command. One that was refused, or had taken effect before,
// has left everything as it was.
func (r *records) take(e *trace.Event, of key) {
	if _, again := e.Get("first"); again || e.Str("outcome") != "ok" {
		return
	}
	if e.Str("command") == dropCollection {
		r.machine, _ = r.machine.DeleteTasksForCollection(e.Str("class"))
		return
	}
	t, ok := refinement.TaskCommands[e.Str("command")]
	if !ok {
		return
	}
	index, _ := e.Get("index")
	r.machine, _ = r.machine.Step(index.Uint(), &api.ApplyRequest{Type: t, SubCommand: json.RawMessage(e.Str("body"))})
	if task := r.machine.Task(of.namespace, of.id); task != nil {
		r.states[strconv.FormatUint(task.Digest(), 16)] = task
	}
}

// observe returns what a listed task means to a node. False: no task was ever in that
// state.
func (r *records) observe(node string, listed trace.ListedTask) (observation, bool) {
	who := observer{node, key{listed.Namespace, listed.ID}}
	if known, ok := r.observed[who]; ok && known.digest == listed.Digest {
		return known, true
	}
	state := r.states[listed.Digest]
	if state == nil {
		return observation{}, false
	}
	record := refinement.Record(state)
	o := observation{listed.Digest, record, reconcile.Observe(record, node)}
	r.observed[who] = o
	return o, true
}
