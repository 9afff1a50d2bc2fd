package refinement_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
)

// detector refuses tasks with the payload of an active one, and panics when asked to.
type detector struct{ fsm.Provider }

func (detector) CheckConflict(payload []byte, existing []*fsm.Task) error {
	if string(payload) == "panic" {
		panic("asked to")
	}
	return refuse(string(payload), existing)
}

// CheckPayload makes the detector a fsm.PayloadChecker.
func (detector) CheckPayload(payload []byte) error {
	switch string(payload) {
	case "unreadable":
		return errors.New("no word of it")
	case "panic at reading":
		panic("asked to")
	}
	return nil
}

func (detector) CheckPropertyUpdate(class, property string, existing []*fsm.Task) error {
	return refuse(class+property, existing)
}

func (detector) CheckClassMutation(class string, existing []*fsm.Task) error {
	return refuse(class, existing)
}

func (detector) CheckTenantMutation(class string, tenants []string, existing []*fsm.Task) error {
	return refuse(class+strings.Join(tenants, ""), existing)
}

func refuse(payload string, existing []*fsm.Task) error {
	for i, t := range existing {
		if i > 0 && existing[i-1].ID >= t.ID {
			return errors.New("not sorted by ID")
		}
		if t.Status.IsActive() && string(t.Payload) == payload {
			return errors.New("conflicts with " + t.Namespace + "/" + t.ID)
		}
	}
	return nil
}

func extract(payload []byte) (string, bool) {
	if string(payload) == "panic at extraction" {
		panic("asked to")
	}
	if string(payload) == "nothing" {
		return "", true
	}
	return string(payload), len(payload) > 0
}

// pair is a Manager and the machine it is compared with.
type pair struct {
	index   uint64
	manager *fsm.Manager
	machine spec.Machine
	// What commands are about: little in some runs, so that they go deep.
	namespaces, names *rapid.Generator[string]
}

func newPair() *pair {
	conflicts := map[string]fsm.ConflictDetector{"a": detector{}}
	mutations := map[string]fsm.SchemaMutationDetector{"a": detector{}, "b": detector{}}
	extractors := map[string]fsm.CollectionExtractor{"a": extract}
	p := &pair{manager: fsm.NewManager(fsm.ManagerParameters{}), machine: spec.New(refinement.Rules(conflicts, mutations, extractors))}
	p.manager.SetConflictDetectors(conflicts)
	p.manager.SetSchemaMutationDetectors(mutations)
	for namespace, e := range extractors {
		p.manager.RegisterCollectionExtractor(namespace, e)
	}
	return p
}

// apply applies a command to both and compares what comes of it.
func (p *pair) apply(t require.TestingT, c *api.ApplyRequest) {
	p.index++
	err := p.manager.Apply(c, p.index)
	var v spec.Verdict
	p.machine, v = p.machine.Step(p.index, c)
	require.Equal(t, v.String(), refinement.Verdict(err).String(), "verdict of %s %s: %v", c.Type, c.SubCommand, err)
	if err != nil {
		require.Equal(t, v, spec.ReadVerdict(err.Error()), "verdict as text: %s", err)
	}
	p.compare(t, c)
}

// compare compares the states.
func (p *pair) compare(t require.TestingT, after any) {
	snapshot, err := p.manager.Snapshot()
	require.NoError(t, err)
	require.Empty(t, p.machine.Diff(snapshot), "state after %v", after)
	tasks, err := p.manager.ListDistributedTasks(context.Background())
	require.NoError(t, err)
	for _, of := range tasks {
		for _, task := range of {
			require.Equal(t, p.machine.Task(task.Namespace, task.ID).Digest(), refinement.Digest(task), "digest of %s/%s", task.Namespace, task.ID)
		}
	}
}

// restore restores both from a snapshot; one of a newer version has a task in a status
// of its own, and fields of its own.
func (p *pair) restore(t *rapid.T, newer bool) {
	snapshot, err := p.manager.Snapshot()
	require.NoError(t, err)
	if newer {
		var all struct {
			Tasks map[string][]map[string]any `json:"tasks"`
			More  string                      `json:"more"`
		}
		decoder := json.NewDecoder(bytes.NewReader(snapshot))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&all))
		for _, namespace := range slices.Sorted(maps.Keys(all.Tasks)) {
			for _, task := range all.Tasks[namespace] {
				if rapid.Bool().Draw(t, "its own") {
					task["status"] = rapid.SampledFrom([]string{"PAUSED", "started", ""}).Draw(t, "status")
					task["pausedBy"] = "somebody"
				}
			}
		}
		snapshot, err = json.Marshal(all)
		require.NoError(t, err)
	}
	require.NoError(t, p.manager.Restore(snapshot))
	p.machine, err = p.machine.Restore(snapshot)
	require.NoError(t, err)
}

var (
	names      = rapid.SampledFrom([]string{"x", "y", "z", "x", "y", "z", "x", "y", "z", "x", "y", "z", "x", "y", "z", ""})
	namespaces = rapid.SampledFrom([]string{"a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b", "c", ""})
	nodes      = rapid.SampledFrom([]string{"n1", "n2", "n3", "n1", "n2", "n3", "n1", "n2", "n1", "n2", "n1", ""})
	units      = rapid.SampledFrom([]string{"u1", "u2", "u3", "u1", "u2", "u1", "u2", "u1", "u2", "no such unit", ""})
	texts      = rapid.SampledFrom([]string{"", "", "", "", "", "", "broken", "odd \xff text"})
	loads      = rapid.SampledFrom([]string{"", "C", "c", "D", "CD", "panic", "panic at extraction", "nothing", "unreadable", "panic at reading"})
	times      = rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, 100), rapid.Int64Range(1, 100), rapid.SampledFrom(oddTimes))
	parts      = rapid.OneOf(rapid.Float32Range(0, 1), rapid.Float32Range(0, 1), rapid.SampledFrom([]float32{0, 1, -0.1, 1.1, float32(math.Copysign(0, -1))}))
	success    = rapid.SampledFrom([]bool{true, true, true, false})
)

// oddTimes are the edges: none at all, the zero time, the first and the last
// millisecond that JSON can hold and the ones beyond them.
var oddTimes = []int64{0, -1, -62135596800000, -62167219200000, -62167219200001, 253402300799999, 253402300800000, math.MaxInt64, math.MinInt64}

// version is mostly that of the task on record.
func (p *pair) version(t *rapid.T, namespace, id string) uint64 {
	if task := p.machine.Task(namespace, id); task != nil && rapid.IntRange(0, 15).Draw(t, "right version") > 0 {
		return task.Version
	}
	return rapid.Uint64Range(0, p.index+1).Draw(t, "version")
}

// command draws a command, mostly one that makes sense.
func (p *pair) command(t *rapid.T) *api.ApplyRequest {
	kind := rapid.SampledFrom(kinds).Draw(t, "command")
	if rapid.IntRange(0, 60).Draw(t, "raw") == 60 {
		raw := rapid.OneOf(rapid.SampledFrom(rawBodies), rapid.StringN(0, 20, 40)).Draw(t, "body")
		return &api.ApplyRequest{Type: kind, SubCommand: []byte(raw)}
	}
	c, err := api.NewApplyRequest(kind, p.request(t, kind))
	require.NoError(t, err)
	return c
}

// kinds are the commands, each as often as it is likely, and two that do not exist.
var kinds = []api.CommandType{
	300, 300, 300, 300, 301, 302, 303, 303, 304, 304, 304, 304, 304, 304, 304, 304, 305, 305, 305, 305, 305,
	306, 306, 307, 307, 307, 307, 307, 308, 308, 308, 308, 308, 309, 310,
}

var rawBodies = []string{
	``, `null`, `{}`, `[]`, `{"namespace":"a","id":"x"}`, `{"namespace":"a","id":"x"} {}`, `{"namespace":1}`,
	`{"namespace":"a","id":"x","unit_specs":[null]}`, `{"namespace":"a","id":"x","unit_ids":["u1","u1"]}`,
	`{"namespace":"a","id":"x","unit_ids":["u1",null]}`, `{"namespace":"a","id":"x","unit_ids":["u1"],"payload":""}`,
	`{"namespace":"c","id":"x","unit_ids":["u1"],"payload":"","unknown":[1]}`,
	`{"NAMESPACE":"b","Id":"y","unit_specs":[{"id":"u1"},{"id":"u2","group_id":"g"}],"unit_ids":["",""]}`,
	`{"namespace":"a","id":"x","version":-1}`, `{"namespace":"a","id":"x","progress":1e39,"node_id":"n1","unit_id":"u1"}`,
	`{"namespace":"a","id":"x","version":1.5}`, `{"namespace":"b","id":"x","unit_ids":["u1"],"payload":"not base64!"}`,
}

func (p *pair) request(t *rapid.T, kind api.CommandType) any {
	namespace, id := p.namespaces.Draw(t, "namespace"), p.names.Draw(t, "id")
	at := times.Draw(t, "at")
	if kind == api.CommandAddTask {
		q := &api.AddDistributedTaskRequest{
			Namespace: namespace, Id: id, SubmittedAtUnixMillis: at, Payload: []byte(loads.Draw(t, "payload")),
			NeedsPreparationBarrier: rapid.Bool().Draw(t, "barrier"), AcksRequired: rapid.Bool().Draw(t, "acks required"),
		}
		ids := []string{"u1", "u2", "u3"}[:rapid.SampledFrom([]int{1, 2, 2, 3, 0}).Draw(t, "units")]
		if rapid.Bool().Draw(t, "groups") {
			for _, id := range ids {
				q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: id, GroupId: rapid.SampledFrom([]string{"", "g"}).Draw(t, "group")})
			}
			return q
		}
		q.UnitIds = ids
		return q
	}
	version := p.version(t, namespace, id)
	switch kind {
	case api.CommandCancelTask:
		return &api.CancelDistributedTaskRequest{Namespace: namespace, Id: id, Version: version, CancelledAtUnixMillis: at}
	case api.CommandCleanUpTask:
		ttl := rapid.OneOf(rapid.Int64Range(0, 100), rapid.SampledFrom([]int64{-1, math.MaxInt64, math.MinInt64})).Draw(t, "ttl")
		return &api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: version, CleanedUpAtUnixMillis: at, CompletedTaskTtlMillis: ttl}
	case api.CommandRecordUnitCompletion:
		return &api.RecordDistributedTaskUnitCompletionRequest{Namespace: namespace, Id: id, Version: version,
			NodeId: nodes.Draw(t, "node"), UnitId: units.Draw(t, "unit"), Error: texts.Draw(t, "error"), FinishedAtUnixMillis: at}
	case api.CommandUpdateUnitProgress:
		return &api.UpdateDistributedTaskUnitProgressRequest{Namespace: namespace, Id: id, Version: version,
			NodeId: nodes.Draw(t, "node"), UnitId: units.Draw(t, "unit"), Progress: parts.Draw(t, "progress"), UpdatedAtUnixMillis: at}
	case api.CommandMarkTaskFinalized:
		return &api.MarkTaskFinalizedRequest{Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: at}
	case api.CommandRecordPostAck:
		return &api.RecordDistributedTaskPostCompletionAckRequest{Namespace: namespace, Id: id, Version: version,
			NodeId: nodes.Draw(t, "node"), Success: success.Draw(t, "success"), Error: texts.Draw(t, "error"), AckedAtUnixMillis: at}
	case api.CommandRecordPreparationAck:
		return &api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: namespace, Id: id, Version: version,
			NodeId: nodes.Draw(t, "node"), Success: success.Draw(t, "success"), Error: texts.Draw(t, "error"), AckedAtUnixMillis: at}
	}
	return &api.MarkTaskFailedRequest{Namespace: namespace, Id: id, Version: version, Error: texts.Draw(t, "error"), FailedAtUnixMillis: at}
}

func TestPropertyTheManagerDoesWhatIsSpecified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair()
		if p.namespaces, p.names = namespaces, names; rapid.Bool().Draw(t, "about one task") {
			p.namespaces, p.names = rapid.Just(namespaces.Draw(t, "its namespace")), rapid.Just(names.Draw(t, "its id"))
		}
		for range rapid.IntRange(1, 1500).Draw(t, "steps") {
			switch rapid.IntRange(0, 40).Draw(t, "what") {
			case 0:
				collection := rapid.SampledFrom([]string{"C", "d", "", "no such collection"}).Draw(t, "collection")
				gone := p.manager.DeleteTasksForCollection(collection)
				next, want := p.machine.DeleteTasksForCollection(collection)
				p.machine = next
				var got []spec.Descriptor
				for _, d := range gone {
					got = append(got, spec.Descriptor(d))
				}
				require.Equal(t, want, got, "tasks removed with %q", collection)
				p.compare(t, "the drop of "+collection)
			case 1:
				class, more := loads.Draw(t, "class"), rapid.SampledFrom([]string{"", "D"}).Draw(t, "more")
				require.Equal(t, p.machine.CheckPropertyUpdate(class, more), p.manager.CheckPropertyUpdate(class, more))
				require.Equal(t, p.machine.CheckClassMutation(class), p.manager.CheckClassMutation(class))
				require.Equal(t, p.machine.CheckTenantMutation(class, []string{more}), p.manager.CheckTenantMutation(class, []string{more}))
			case 2:
				p.restore(t, false)
				p.compare(t, "a restore")
			case 3:
				if rapid.IntRange(0, 4).Draw(t, "newer") == 4 {
					p.restore(t, true)
					p.compare(t, "a newer version")
				}
			default:
				p.apply(t, p.command(t))
			}
		}
	})
}
