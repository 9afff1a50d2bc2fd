package tracecheck

import (
	"encoding/json"
	"strconv"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched/reconcile"
	"dtsim/sim/trace/event"
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
func (r *records) inherit(e *event.Inherited) error {
	snapshot, err := taskevent.ReadSnapshot(e)
	if err == nil {
		r.machine, err = r.machine.Restore(snapshot.Raw)
	}
	for _, namespace := range r.machine.Namespaces() {
		for _, t := range r.machine.Tasks(namespace) {
			r.note(t)
		}
	}
	return err
}

// note remembers a state of a task.
func (r *records) note(t *spec.Task) { r.states[strconv.FormatUint(t.Digest(), 16)] = t }

// take takes in a committed command. One that was refused, or had taken effect before,
// has left everything as it was.
func (r *records) take(c *taskevent.Command) {
	if !c.Accepted {
		return
	}
	if c.Name == taskevent.CommandDropCollection {
		r.machine, _ = r.machine.DeleteTasksForCollection(c.Class)
		return
	}
	t, ok := refinement.TaskCommands[c.Name]
	if !ok {
		return
	}
	r.machine, _ = r.machine.Step(c.Index, &api.ApplyRequest{Type: t, SubCommand: json.RawMessage(c.Body)})
	if task := r.machine.Task(c.Namespace, c.ID); task != nil {
		r.note(task)
	}
}

// observe returns what a listed task means to a node. False: no task was ever in that
// state.
func (r *records) observe(node string, listed *taskevent.ListedTask) (observation, bool) {
	who := observer{node, listed.Run().Key()}
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
