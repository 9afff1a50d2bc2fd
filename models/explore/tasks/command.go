package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

const (
	// failure is what goes wrong when something does.
	failure = "injected"
	// stride is how far the versions of two runs are apart: every command between them
	// has an index of its own.
	stride = 1000
)

// epoch is when everything happens, ttl how long records are kept. A record that has
// aged is cleaned up later.
var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ttl   = time.Hour
)

// command is a command of the log, as a value. The fields behind kind are used as the
// kind asks for; node and unit count from 0.
type command struct {
	kind    api.CommandType
	key     uint8
	node    uint8
	unit    uint8
	success bool
	// aged: the proposer found the record past its time to live.
	aged    bool
	version uint64
	// flip and keep are what a provider writes to the schema: kind is not one of fsm's.
	flip bool
	keep uint32 // bit by group
}

// append appends an encoding that is equal for equal commands, and for no others.
func (c command) append(b []byte) []byte {
	b = append(b, c.key, c.node, c.unit, bit(c.success), bit(c.aged), bit(c.flip))
	return appendNums(b, uint64(c.kind), c.version, uint64(c.keep))
}

// request is the command as it stands in the log.
func (w *world) request(c command) *api.ApplyRequest {
	id, node, unit := w.taskName(int(c.key)), w.nodeName(int(c.node)), w.unitName(int(c.unit))
	at, text := epoch.UnixMilli(), ""
	if !c.success {
		text = failure
	}
	var body any
	switch c.kind {
	case api.CommandAddTask:
		body = w.addRequest(int(c.key))
	case api.CommandCancelTask:
		body = api.CancelDistributedTaskRequest{Namespace: w.namespace(), Id: id, Version: c.version, CancelledAtUnixMillis: at}
	case api.CommandCleanUpTask:
		if c.aged {
			at += 2 * ttl.Milliseconds()
		}
		body = api.CleanUpDistributedTaskRequest{Namespace: w.namespace(), Id: id, Version: c.version,
			CleanedUpAtUnixMillis: at, CompletedTaskTtlMillis: ttl.Milliseconds()}
	case api.CommandRecordUnitCompletion:
		body = api.RecordDistributedTaskUnitCompletionRequest{Namespace: w.namespace(), Id: id, Version: c.version,
			NodeId: node, UnitId: unit, Error: text, FinishedAtUnixMillis: at}
	case api.CommandUpdateUnitProgress:
		body = api.UpdateDistributedTaskUnitProgressRequest{Namespace: w.namespace(), Id: id, Version: c.version,
			NodeId: node, UnitId: unit, UpdatedAtUnixMillis: at}
	case api.CommandMarkTaskFinalized:
		body = api.MarkTaskFinalizedRequest{Namespace: w.namespace(), Id: id, Version: c.version, FinalizedAtUnixMillis: at}
	case api.CommandRecordPostAck:
		body = api.RecordDistributedTaskPostCompletionAckRequest{Namespace: w.namespace(), Id: id, Version: c.version,
			NodeId: node, Success: c.success, Error: text, AckedAtUnixMillis: at}
	case api.CommandRecordPreparationAck:
		body = api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: w.namespace(), Id: id, Version: c.version,
			NodeId: node, Success: c.success, Error: text, AckedAtUnixMillis: at}
	case api.CommandMarkTaskFailed:
		body = api.MarkTaskFailedRequest{Namespace: w.namespace(), Id: id, Version: c.version, Error: "given up", FailedAtUnixMillis: at}
	default:
		panic(fmt.Sprintf("tasks: command %+v has no form in the log", c))
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("tasks: command %+v cannot be encoded: %s", c, err))
	}
	return &api.ApplyRequest{Type: c.kind, SubCommand: b}
}

// addRequest asks for a task of the configuration.
func (w *world) addRequest(key int) api.AddDistributedTaskRequest {
	q := api.AddDistributedTaskRequest{
		Namespace: w.namespace(), Id: w.taskName(key), Payload: w.payloads[key], SubmittedAtUnixMillis: epoch.UnixMilli(),
		NeedsPreparationBarrier: w.Barrier, AcksRequired: !w.AcksOptional,
	}
	for unit := range w.Units {
		q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: w.unitName(unit), GroupId: w.groupName(w.groupOf(unit))})
	}
	return q
}

// String names a command in a few words.
func (c command) String() string {
	switch {
	case c.flip:
		return fmt.Sprintf("flip of the schema for t%d v%d", c.key+1, c.version)
	case c.keep != 0:
		return fmt.Sprintf("swap of groups %b alone for t%d v%d", c.keep, c.key+1, c.version)
	}
	words := map[api.CommandType]string{
		api.CommandAddTask: "add", api.CommandCancelTask: "cancel", api.CommandCleanUpTask: "clean-up",
		api.CommandRecordUnitCompletion: "completion", api.CommandUpdateUnitProgress: "claim", api.CommandMarkTaskFinalized: "finalization",
		api.CommandRecordPostAck: "post-completion ack", api.CommandRecordPreparationAck: "preparation ack", api.CommandMarkTaskFailed: "giving up",
	}[c.kind]
	text := fmt.Sprintf("%s of t%d v%d", words, c.key+1, c.version)
	switch c.kind {
	case api.CommandRecordUnitCompletion, api.CommandUpdateUnitProgress:
		text += fmt.Sprintf(" u%d by n%d", c.unit+1, c.node+1)
	case api.CommandRecordPostAck, api.CommandRecordPreparationAck:
		text += fmt.Sprintf(" by n%d", c.node+1)
	default:
		return text
	}
	if !c.success && c.kind != api.CommandUpdateUnitProgress {
		text += ", failed"
	}
	return text
}

// applied is what a command did.
type applied struct {
	record *record
	// err is the rejection, nil for an accepted command.
	err    error
	broken *Broken
	// manager holds the record, and nothing else; nil when there is none to be had.
	manager *fsm.Manager
}

// apply runs a command on the real Manager, which holds the record (and others, for
// an add).
func (w *world) apply(r *record, c command, others ...*record) applied {
	alone := len(others) == 0 && len(w.bystanders) == 0
	var manager *fsm.Manager
	if alone {
		manager = w.spares.take(r.id)
	}
	if manager == nil {
		var err error
		if manager, err = w.manager(append([]*record{r}, others...)...); err != nil {
			panic("tasks: " + err.Error())
		}
	}
	next := *r
	next.id, next.hash = 0, 0
	var err error
	switch {
	case c.flip:
		err = w.flip(manager, &next, c)
	case c.keep != 0:
		err = w.keep(manager, &next, c)
	default:
		err = manager.Apply(w.request(c), c.version)
		next.task = w.taskAfter(manager, r, c)
		if next.task == nil || next.version() != r.version() {
			next.aged = false
		}
		next.last = max(next.last, next.version())
		if next.task != nil && next.task.Status == fsm.TaskStatusSwapping {
			next.lifted = next.task.Version
		}
	}
	if err := w.checkBystanders(manager); err != nil {
		panic(fmt.Sprintf("tasks: %s has touched what is not its own: %s", c, err))
	}
	if !alone {
		manager = nil
	}
	return applied{w.after(r, &next), err, w.judgeApply(r, &next, c, err), manager}
}

// taskAfter reads what the Manager holds of a task after a command: what was there, what
// the command made, or nothing.
func (w *world) taskAfter(manager *fsm.Manager, r *record, c command) *fsm.Task {
	for _, version := range [...]uint64{c.version, r.version()} {
		if task, err := manager.Task(w.namespace(), w.taskName(r.key), version); err == nil {
			return task
		}
	}
	return nil
}

// flip is what a replica's schema does with a migration's end; see fsm/replica.
func (w *world) flip(manager *fsm.Manager, r *record, c command) error {
	if c.version <= r.flipped {
		return nil
	}
	if _, err := manager.Task(w.namespace(), w.taskName(r.key), c.version); err != nil {
		return err
	}
	if err := manager.CheckOwnPropertyUpdate(w.namespace(), w.taskName(r.key), c.version, collection, w.propertyOf(r.key)); err != nil {
		return err
	}
	r.flipped, r.kept = c.version, make([]uint64, len(r.kept))
	return nil
}

// keep is what a replica's schema does with tenants that swap alone.
func (w *world) keep(manager *fsm.Manager, r *record, c command) error {
	if c.version <= r.flipped {
		return nil
	}
	task, err := manager.Task(w.namespace(), w.taskName(r.key), c.version)
	if err != nil {
		return err
	}
	for g := range r.kept {
		if c.keep&(1<<g) != 0 && !groupCompleted(task, w.groupName(g)) {
			return fmt.Errorf("units of group %s are not all completed", w.groupName(g))
		}
	}
	kept := make([]uint64, len(r.kept))
	for g := range kept {
		kept[g] = r.kept[g]
		if c.keep&(1<<g) != 0 && kept[g] < c.version {
			kept[g] = c.version
		}
	}
	r.kept = kept
	return nil
}

// snapshotOf is the snapshot of a Manager that holds these tasks.
func snapshotOf(tasks []*fsm.Task) ([]byte, error) {
	return json.Marshal(fsm.State{Tasks: map[string][]*fsm.Task{tasks[0].Namespace: tasks}})
}

// conflicting lets one task of the namespace be active: all are about one property.
type conflicting struct{ fsm.Provider }

func (conflicting) CheckConflict(_ []byte, existing []*fsm.Task) error {
	for _, task := range existing {
		if task.Status.IsActive() {
			return errors.New("task " + task.ID + " is at work on it")
		}
	}
	return nil
}

// ofUnit and ofNode report whether a command names a unit, and a node.
func (c command) ofUnit() bool {
	return c.kind == api.CommandRecordUnitCompletion || c.kind == api.CommandUpdateUnitProgress
}

func (c command) ofNode() bool {
	return c.ofUnit() || c.kind == api.CommandRecordPostAck || c.kind == api.CommandRecordPreparationAck
}
