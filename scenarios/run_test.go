package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/trace"
)

// judge returns the violations in a sequence of events.
func judge(p *taskplan.Plan, events []trace.Event) []trace.Violation {
	o := property.New(p, property.Own)
	for _, e := range events {
		o.Observe(e)
	}
	return o.Verdict().Violations
}

func TestEveryScenarioKeepsItsPromises(t *testing.T) {
	seeds := uint64(1)
	if long {
		seeds = 3
	}
	for _, s := range scenarios.Scripted() {
		for seed := range seeds {
			if s.Name == "journey-1" && seed > 0 {
				continue // a thousand files take their time
			}
			t.Run(fmt.Sprintf("%s with seed %d", s.Name, seed), func(t *testing.T) {
				p := s.Plan(seed, scenarios.Options{})
				whole := taskstest.Trace(t, p)
				require.Empty(t, whole.Footer.Verdict.Violations)
				require.NotEmpty(t, p.Promises)
				require.Positive(t, whole.Footer.Counters["at-stake/P16"])
				require.Zero(t, whole.Footer.Counters["excused/P16/run-too-short"])
				for i, promise := range p.Promises {
					require.Contains(t, properties(breaking(*p, i, whole.Events)), string(promise.Expect), "promises[%d] cannot be broken", i)
				}
			})
		}
	}
}

func TestAScenarioRunsOnAsManyNodesAsItIsGiven(t *testing.T) {
	sizes := []int{1, 5}
	if long {
		sizes = []int{1, 2, 5}
	}
	for _, s := range scenarios.Scripted() {
		if s.Name == "journey-1" {
			continue
		}
		for _, nodes := range sizes {
			t.Run(fmt.Sprintf("%s on %d nodes", s.Name, nodes), func(t *testing.T) {
				p := s.Plan(7, scenarios.Options{Nodes: nodes})
				require.Equal(t, nodes, p.Cluster.Nodes)
				require.Empty(t, taskstest.Trace(t, p).Footer.Verdict.Violations)
			})
		}
	}
}

// breaking judges a run against the contrary of a promise, or, where a promise has no
// contrary, a run that something was taken out of.
func breaking(p taskplan.Plan, i int, events []trace.Event) []trace.Violation {
	p.Promises = slices.Clone(p.Promises)
	q := &p.Promises[i]
	switch q.Expect {
	case taskplan.TaskEnds:
		q.Status = map[string]string{"FINISHED": "FAILED", "FAILED": "CANCELLED", "CANCELLED": "FINISHED"}[q.Status]
	case taskplan.OperationsEnd:
		q.Outcome = "ambiguous"
	case taskplan.SchemaIs, taskplan.ShardsAre:
		q.Tokenization = "other"
	case taskplan.CollectionGone:
		events = append(slices.Clone(events), trace.Event{At: events[len(events)-1].At, Node: "n1", Incarnation: 1, Kind: trace.AtRest,
			Fields: []trace.Field{trace.Str("what", "shard"), trace.Str("collection", q.Collection)}})
	case taskplan.TaskStays:
		// One of the nodes has lost the record.
		i := slices.IndexFunc(events, func(e trace.Event) bool {
			return e.Kind == trace.AtRest && e.Str("what") == "record" && e.Str("task") == q.TaskID
		})
		events = slices.Delete(slices.Clone(events), i, i+1)
	case taskplan.NoSwap:
		i := slices.IndexFunc(events, func(e trace.Event) bool { return e.Kind == trace.TaskChanged && e.Str("task") == q.TaskID })
		swap := trace.Event{At: events[i].At, Node: "n1", Incarnation: 1, Kind: trace.ShardChanged,
			Fields: append(events[i].Fields[:3:3], trace.Str("shard", "s1"), trace.Str("why", "swapped"))}
		events = slices.Insert(slices.Clone(events), i+1, swap)
	default:
		events = slices.DeleteFunc(slices.Clone(events), func(e trace.Event) bool { return proves(q, e) })
	}
	return judge(&p, events)
}

// proves reports whether a promise rests on an event.
func proves(q *taskplan.Promise, e trace.Event) bool {
	switch q.Expect {
	case taskplan.UnitsOnce:
		return e.Kind == trace.Committed && strings.HasSuffix(e.Str("command"), "UNIT_COMPLETED") && strings.Contains(e.Str("body"), `"`+q.TaskID+`"`)
	case taskplan.CallbacksOnce, taskplan.GroupsEarly:
		return e.Kind == trace.CallbackEnded && e.Str("task") == q.TaskID
	case taskplan.SwapsOnce:
		return e.Kind == trace.ShardChanged && e.Str("task") == q.TaskID
	case taskplan.RecordGone:
		// The record goes away when it is removed, or when another takes its place.
		return e.Kind == trace.TaskChanged && e.Str("task") == q.TaskID && e.Str("status") == ""
	}
	return false
}

func properties(found []trace.Violation) []string {
	var all []string
	for _, v := range found {
		all = append(all, v.Property)
	}
	return all
}
