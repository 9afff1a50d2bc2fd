package sched

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"
)

// ShardNoopProviderNamespace is the namespace of tasks for [ShardNoopProvider].
const ShardNoopProviderNamespace = "shard-noop"

// ShardLister names the shards of a collection that this node holds. A nil list
// means that the collection is not known (yet); an empty one, that it has no shard
// here.
type ShardLister interface {
	GetLocalShardNames(collection string) ([]string, error)
}

// ShardNoopProviderPayload is the JSON payload of a task for [ShardNoopProvider].
type ShardNoopProviderPayload struct {
	// FailUnitID is the unit that fails, with the message "dummy failure".
	FailUnitID string `json:"failUnitId,omitempty"`
	// Collection makes unit ownership follow the shards that the [ShardLister]
	// names, and puts marker files into shard directories.
	Collection string `json:"collection,omitempty"`
	// UnitToShard maps units to shards; without it a unit is named as its shard.
	UnitToShard map[string]string `json:"unitToShard,omitempty"`
	// UnitToNode is which of the nodes that hold a unit's shard processes it.
	UnitToNode map[string]string `json:"unitToNode,omitempty"`
	// SlowUnitID is the unit that takes SlowUnitDelayMs longer than others.
	SlowUnitID      string `json:"slowUnitId,omitempty"`
	SlowUnitDelayMs int    `json:"slowUnitDelayMs,omitempty"`
	// ProcessingDelayMs is how long a unit takes; 0 means 100 ms.
	ProcessingDelayMs int `json:"processingDelayMs,omitempty"`
	// MaxConcurrency is how many units a node processes at a time, at least one.
	MaxConcurrency int `json:"maxConcurrency,omitempty"`
}

// ShardNoopProvider is a [UnitAwareProvider] that goes through the whole life of
// a task and does nothing: it claims units, waits, reports them, and leaves marker
// files behind that record what happened. It serves acceptance tests, and as an
// example. Safe for concurrent use.
//
// A worker reports progress 0.5 for each unit this node owns, in the order of
// their IDs, waits as the payload asks, and reports completion or, for FailUnitID,
// failure. A report is tried three times. Marker files stand in the shard's
// directory {root}/{lower case collection}/{shard} or, without a collection, under
// {root}/.dtm; they are evidence, and stay when the task is cleaned up. Of the
// same task, no unit may be named as a group.
//
// Deviations from the reference:
//   - IDs are escaped in file names, and files are opened through [os.Root], so that
//     nothing leaves the root and two IDs never share a file; a marker appears
//     whole or not at all; an empty root means no markers.
//   - With a [ShardLister], no marker is written for a shard or collection that it
//     does not know any more (P12).
//   - A permanent rejection is not retried. A unit whose claim or completion was not
//     accepted is given up until the next start, and leaves no marker; once the task
//     is not running, so is the worker (P10).
//   - A report under way at Terminate may still end, for two seconds at most.
//   - A payload that cannot be read fails its task, instead of counting as empty
//     (P18). So does a unit that the payload assigns to a node which does not hold its
//     shard (P16): nobody else would process it.
//   - Two starts of one run never work side by side (P14), GetLocalTasks names each
//     run once, and everything that is listed or written has an order.
type ShardNoopProvider struct {
	nodeID  string
	logger  logrus.FieldLogger
	shards  ShardLister
	markers noopMarkers
	clock   clockwork.Clock

	mu        sync.Mutex
	recorder  TaskCompletionRecorder
	handles   map[TaskDescriptor]*noopHandle // the latest start of each run
	finalized map[TaskDescriptor]map[string][]string
	completed map[TaskDescriptor]bool
}

var _ UnitAwareProvider = (*ShardNoopProvider)(nil)

// NewShardNoopProvider returns the provider of node nodeID. shardLister may be
// nil when units are synthetic; dataRoot is where marker files go. A nil logger
// discards.
func NewShardNoopProvider(nodeID string, logger logrus.FieldLogger, shardLister ShardLister, dataRoot string) *ShardNoopProvider {
	if logger == nil {
		discard := logrus.New()
		discard.SetOutput(io.Discard)
		logger = discard
	}
	return &ShardNoopProvider{
		nodeID:    nodeID,
		logger:    logger.WithField("namespace", ShardNoopProviderNamespace),
		shards:    shardLister,
		markers:   noopMarkers{root: dataRoot, node: nodeID},
		clock:     clockwork.NewRealClock(),
		handles:   map[TaskDescriptor]*noopHandle{},
		finalized: map[TaskDescriptor]map[string][]string{},
		completed: map[TaskDescriptor]bool{},
	}
}

// WithClock makes the provider wait on clock instead of the real one, and returns
// the provider. To be called before any other method.
func (p *ShardNoopProvider) WithClock(clock clockwork.Clock) *ShardNoopProvider {
	p.clock = clock
	return p
}

// SetCompletionRecorder sets what workers started from now on report to.
func (p *ShardNoopProvider) SetCompletionRecorder(recorder TaskCompletionRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recorder = recorder
}

// GetLocalTasks lists the runs that were started and not cleaned up, by ID and
// version.
func (p *ShardNoopProvider) GetLocalTasks() []TaskDescriptor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.handles), compareDescriptors)
}

// CleanupTask terminates and forgets a run. What [ShardNoopProvider.GetFinalizedUnits]
// and its like report, and the marker files, remain.
func (p *ShardNoopProvider) CleanupTask(desc TaskDescriptor) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if handle := p.handles[desc]; handle != nil {
		handle.Terminate()
		delete(p.handles, desc)
	}
	return nil
}

// StartTask starts a worker for the units that this node owns. If the run is at
// work already, it returns the handle of that; if a terminated worker has not
// exited yet, the new one begins after it has.
func (p *ShardNoopProvider) StartTask(task *Task) (TaskHandle, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.recorder == nil {
		return nil, fmt.Errorf("%s: task %q: started before a completion recorder was set", ShardNoopProviderNamespace, task.ID)
	}
	previous := p.handles[task.TaskDescriptor]
	if previous.working() {
		return previous, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	handle := &noopHandle{ctx: ctx, cancel: cancel, done: make(chan struct{})}
	p.handles[task.TaskDescriptor] = handle
	worker := newNoopWorker(p, p.recorder, task.Clone(), handle)
	go func() {
		defer close(handle.done)
		defer cancel()
		if previous != nil {
			<-previous.done
		}
		worker.run()
	}()
	return handle, nil
}

// OnGroupCompleted notes the units as finalized and writes a marker for each. It
// never fails, and runs on failed tasks too.
func (p *ShardNoopProvider) OnGroupCompleted(task *Task, groupID string, localGroupUnitIDs []string) error {
	units := slices.Sorted(slices.Values(localGroupUnitIDs))
	p.mu.Lock()
	groups := p.finalized[task.TaskDescriptor]
	if groups == nil {
		groups = map[string][]string{}
		p.finalized[task.TaskDescriptor] = groups
	}
	all := slices.Concat(groups[groupID], units)
	slices.Sort(all)
	groups[groupID] = slices.Compact(all)
	p.mu.Unlock()

	payload := decodeNoopPayloadLeniently(task)
	for _, unit := range units {
		p.markUnit(task, &payload, unit, p.markers.finalized(task.ID, groupID, unit, payload.place(unit)))
	}
	return nil
}

// OnSwapRequested does nothing: there is nothing to swap.
func (p *ShardNoopProvider) OnSwapRequested(_ *Task, _ string, _ []string) error { return nil }

// OnTaskCompleted notes the task as completed and writes a marker with its status.
func (p *ShardNoopProvider) OnTaskCompleted(task *Task) {
	p.mu.Lock()
	p.completed[task.TaskDescriptor] = true
	p.mu.Unlock()

	payload := decodeNoopPayloadLeniently(task)
	if payload.Collection != "" && p.shards != nil {
		if names, err := p.shards.GetLocalShardNames(payload.Collection); err != nil || names == nil {
			p.log(task).WithError(err).Warnf("no marker: collection %q is not here", payload.Collection)
			return
		}
	}
	p.write(task, p.markers.completed(task.ID, task.Status, payload.Collection))
}

// GetFinalizedUnits returns the units of all groups of a run that
// OnGroupCompleted was called for, sorted.
func (p *ShardNoopProvider) GetFinalizedUnits(desc TaskDescriptor) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var units []string
	for _, group := range p.finalized[desc] {
		units = append(units, group...)
	}
	slices.Sort(units)
	return units
}

// GetFinalizedGroups returns the units that OnGroupCompleted was called for by
// group, sorted within each. The caller owns the result.
func (p *ShardNoopProvider) GetFinalizedGroups(desc TaskDescriptor) map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := make(map[string][]string, len(p.finalized[desc]))
	for group, units := range p.finalized[desc] {
		groups[group] = slices.Clone(units)
	}
	return groups
}

// IsTaskCompleted reports whether OnTaskCompleted was called for a run.
func (p *ShardNoopProvider) IsTaskCompleted(desc TaskDescriptor) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.completed[desc]
}

// markUnit writes a marker for a unit, unless its shard has gone.
func (p *ShardNoopProvider) markUnit(task *Task, payload *ShardNoopProviderPayload, unit string, m noopMarker) {
	if payload.Collection != "" && p.shards != nil {
		shard := payload.shardOf(unit)
		names, err := p.shards.GetLocalShardNames(payload.Collection)
		if err != nil || !slices.Contains(names, shard) {
			p.log(task).WithError(err).Warnf("no marker for unit %q: shard %q of collection %q is not here", unit, shard, payload.Collection)
			return
		}
	}
	p.write(task, m)
}

func (p *ShardNoopProvider) write(task *Task, m noopMarker) {
	if err := p.markers.write(m); err != nil {
		p.log(task).WithError(err).Error("writing a marker file")
	}
}

func (p *ShardNoopProvider) log(task *Task) logrus.FieldLogger {
	return p.logger.WithFields(logrus.Fields{"taskID": task.ID, "taskVersion": task.Version})
}

// decodeNoopPayload reads a task's payload; none at all is an empty one.
func decodeNoopPayload(task *Task) (ShardNoopProviderPayload, error) {
	var payload ShardNoopProviderPayload
	if len(task.Payload) == 0 {
		return payload, nil
	}
	if err := json.Unmarshal(task.Payload, &payload); err != nil {
		return ShardNoopProviderPayload{}, fmt.Errorf("payload cannot be read: %w", err)
	}
	return payload, nil
}

// decodeNoopPayloadLeniently is for callbacks, whose task has run or failed
// already: what cannot be read is taken as empty.
func decodeNoopPayloadLeniently(task *Task) ShardNoopProviderPayload {
	payload, _ := decodeNoopPayload(task)
	return payload
}

// shardOf returns the shard a unit works on.
func (p *ShardNoopProviderPayload) shardOf(unit string) string {
	if shard, ok := p.UnitToShard[unit]; ok {
		return shard
	}
	return unit
}

// place returns where a unit's markers stand.
func (p *ShardNoopProviderPayload) place(unit string) noopPlace {
	return noopPlace{collection: p.Collection, shard: p.shardOf(unit)}
}
