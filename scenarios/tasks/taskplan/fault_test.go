package taskplan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

const second = plan.Duration(time.Second)

// withFault returns a valid plan of a minute that is quiescent from 40s on and has f and
// another fault before it.
func withFault(f plan.Fault) *taskplan.Plan {
	p := valid()
	p.Quiescence = 40 * second
	p.Faults = []plan.Fault{{Kind: plan.Crash, Node: "n1", At: 10 * second, For: second}, f}
	return p
}

func TestFaultsAreAccepted(t *testing.T) {
	for name, f := range map[string]plan.Fault{
		"a crash at a time":            {Kind: plan.Crash, At: 5 * second, Node: "n2"},
		"a crash of the majority":      {Kind: plan.Crash, Nodes: []string{plan.Majority}, For: 3 * second},
		"a crash at a moment":          {Kind: plan.Crash, When: &plan.Trigger{Moment: taskplan.PostAckSend, Node: "n3", Nth: 2}, Node: plan.Here},
		"the owner of a task's unit":   {Kind: plan.Pause, When: &plan.Trigger{Moment: taskplan.BarrierLift, About: taskplan.About("reindex", "r")}, Node: taskplan.Owner},
		"losses on one link":           {Kind: plan.Loss, Node: "n1", Peer: plan.Leader, Rate: 300_000, Op: "append-reply"},
		"the leader on its own":        {Kind: plan.Partition, Nodes: []string{plan.Leader}, For: 3 * second},
		"a clock that goes back":       {Kind: plan.ClockJump, Node: "n1", By: -3600 * second},
		"a slow clock":                 {Kind: plan.ClockDrift, Node: "n1", Drift: -500_000},
		"an operator at a moment":      {Kind: plan.Operate, When: &plan.Trigger{Moment: taskplan.SwapBegin}, Do: taskplan.Do(taskplan.Operation{Do: taskplan.CancelTask, Node: plan.Leader, Namespace: "cleanup", TaskID: "c"})},
		"a callback that always fails": {Kind: taskplan.CallbackError, Op: "OnSwapRequested", Node: "n1", About: taskplan.About("reindex", "r")},
	} {
		require.NoError(t, withFault(f).Validate(), name)
	}
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault plan.Fault
		want  string
	}{
		{"no kind", plan.Fault{}, "faults[1].kind: missing; one of delay, loss,"},
		{"an unknown kind", plan.Fault{Kind: "fire"}, `faults[1].kind: "fire" is none of delay,`},
		{"a time before the start", plan.Fault{Kind: plan.Crash, Node: "n1", At: -1}, "faults[1].at: -1ns is before the start of the run"},
		{"a time in the quiescent phase", plan.Fault{Kind: plan.Crash, Node: "n1", At: 40 * second}, "faults[1].at: 40s is past the beginning of quiescence (40s)"},
		{"a negative time to last", plan.Fault{Kind: plan.Crash, Node: "n1", For: -1}, "faults[1].for: -1ns is negative"},
		{"a node that is not there", plan.Fault{Kind: plan.Crash, Node: "n4"}, `faults[1].node: "n4" is none of n1, n2, n3, leader, follower, here, owner`},
		{"a group where one is asked for", plan.Fault{Kind: plan.Crash, Node: plan.Minority}, `faults[1].node: "minority" is none of n1,`},
		{"a crash of no node", plan.Fault{Kind: plan.Crash}, "faults[1].node: crash needs either node or nodes"},
		{"a crash of a node and of nodes", plan.Fault{Kind: plan.Crash, Node: "n1", Nodes: []string{"n2"}}, "faults[1].node: crash needs either node or nodes"},
		{"a node twice", plan.Fault{Kind: plan.Partition, Nodes: []string{"n1", "n1"}}, `faults[1].nodes[1]: "n1" is there twice`},
		{"a partition of no nodes", plan.Fault{Kind: plan.Partition}, "faults[1].nodes: missing; partition needs it"},
		{"a rate of a crash", plan.Fault{Kind: plan.Crash, Node: "n1", Rate: 5}, "faults[1].rate: crash has no use for it"},
		{"more often than always", plan.Fault{Kind: plan.Loss, Rate: 1_000_001}, "faults[1].rate: 1000001 is above 1000000, which is always"},
		{"a negative count", plan.Fault{Kind: plan.Loss, Count: -1}, "faults[1].count: -1 is not from 0 to 1000000000"},
		{"a delay of nothing", plan.Fault{Kind: plan.Delay}, "faults[1].max: missing; delay needs it"},
		{"bounds the wrong way round", plan.Fault{Kind: plan.Delay, Min: 2 * second, Max: second}, "faults[1].max: 1s is below min (2s)"},
		{"an unknown message", plan.Fault{Kind: plan.Loss, Op: "gossip"}, `faults[1].op: "gossip" is none of append, heartbeat,`},
		{"a disk error nowhere", plan.Fault{Kind: plan.DiskError, Node: "n1"}, "faults[1].op: missing; disk-error needs it"},
		{"a key of the log", plan.Fault{Kind: plan.DiskError, Node: "n1", Op: "log", Name: "CurrentTerm"}, "faults[1].name: what is written has a name where op is one of stable, files"},
		{"a file that is torn by name", plan.Fault{Kind: plan.TornFiles, Node: "n1", Name: "a"}, "faults[1].name: torn-files has no use for it"},
		{"a torn file of Raft", plan.Fault{Kind: plan.TornWrites, Node: "n1", Op: "files"}, `faults[1].op: "files" is none of log, stable, snapshot`},
		{"a slow disk that takes no longer", plan.Fault{Kind: plan.DiskSlow, Node: "n1", Op: "log"}, "faults[1].max: missing; disk-slow needs it"},
		{"a write to no store", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: plan.WriteBegin, Op: "files"}}, `faults[1].when.op: "files" is none of log, log-remove, stable, snapshot`},
		{"a write of a key of the log", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: plan.WriteBegin, Op: "log", Name: "a"}}, "faults[1].when.name: what is written has a name where op is one of stable"},
		{"a moment without writes", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: plan.LeaderElected, Op: "log"}}, "faults[1].when.op: leader-elected has no use for op and name; the moments of writes have"},
		{"a node that comes back as nothing", plan.Fault{Kind: plan.Replace, Node: "n1", Op: "leader"}, `faults[1].op: "leader" is none of voter, non-voter`},
		{"a node that is demoted to something", plan.Fault{Kind: plan.Demote, Node: "n1", Op: "non-voter"}, "faults[1].op: demote has no use for it"},
		{"too much drift", plan.Fault{Kind: plan.ClockDrift, Node: "n1", Drift: 500_001}, "faults[1].drift: 500001 is not from -500000 to 500000"},
		{"a clock that goes too far", plan.Fault{Kind: plan.ClockJump, Node: "n1", By: 366 * 24 * 3600 * second}, "faults[1].by: 8784h0m0s is further than 8760h0m0s"},
		{"here without a trigger", plan.Fault{Kind: plan.Crash, Node: plan.Here}, `faults[1].node: "here" is where a moment was reached; the fault has no trigger`},
		{"the owner of nothing", plan.Fault{Kind: plan.Crash, Node: taskplan.Owner}, `faults[1].node: "owner" owns a unit of a task; neither the fault nor its trigger names one`},
		{"an unknown moment", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: "noon"}}, `faults[1].when.moment: "noon" is none of task-added,`},
		{"a role that reaches a moment", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: taskplan.SwapBegin, Node: plan.Leader}}, `faults[1].when.node: "leader" is none of n1, n2, n3`},
		{"a moment of a task that is not there", plan.Fault{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: taskplan.SwapBegin, About: taskplan.About("reindex", "x")}}, `faults[1].when.about.task_id: no operation adds the task "x" of reindex before this`},
		{"a task without a namespace", plan.Fault{Kind: taskplan.UnitError, About: map[string]string{"task_id": "r"}}, "faults[1].about.namespace: missing; task_id needs it"},
		{"an operator who does nothing", plan.Fault{Kind: plan.Operate}, "faults[1].do: missing; operate needs it"},
		{"an operation with a time", plan.Fault{Kind: plan.Operate, Do: taskplan.Do(taskplan.Operation{At: second, Node: "n1", Do: taskplan.ListTasks})}, "faults[1].do.at: the time is that of the fault"},
		{"an operation that is none", plan.Fault{Kind: plan.Operate, Do: taskplan.Do(taskplan.Operation{Node: "n1", Do: taskplan.CancelTask})}, "faults[1].do.namespace: missing; cancel-task needs it"},
		{"the key of another fault", plan.Fault{Kind: plan.Crash, Node: "n1", Key: 1}, "faults[1].key: 1 is the key of faults[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.ErrorContains(t, withFault(c.fault).Validate(), "plan: "+c.want)
		})
	}
}

// What is left of a configuration must be able to commit that the change is taken back.
func TestMembersAreChangedWhereTheOthersAreAMajority(t *testing.T) {
	demote, leave := plan.Fault{Kind: plan.Demote, Node: "n1"}, plan.Fault{Kind: plan.Leave, Node: "n3"}
	for _, c := range []struct {
		nodes  int
		faults []plan.Fault
		want   string
	}{
		{1, []plan.Fault{demote}, "plan: faults[0].kind: demote would leave no voter"},
		{2, []plan.Fault{demote}, ""},
		{3, []plan.Fault{demote}, ""},
		{3, []plan.Fault{leave, demote}, "plan: faults[1].kind: demote leaves 2 voters, of which the plan lets 1 leave for good: the others could commit nothing"},
		{3, []plan.Fault{{Kind: plan.Remove, Node: "n3"}, {Kind: plan.Replace, Node: "n1"}}, "plan: faults[1].kind: replace leaves 2 voters,"},
		{4, []plan.Fault{leave, demote}, ""},
		{2, []plan.Fault{{Kind: plan.UserRestore}}, "plan: faults[0].kind: user-restore may end in the removal of its node, while that is down: of 2 nodes, of which the plan lets 0 leave for good"},
		{3, []plan.Fault{{Kind: plan.UserRestore}}, ""},
		{4, []plan.Fault{leave, {Kind: plan.UserRestore}}, "plan: faults[1].kind: user-restore may end in the removal of its node"},
		{3, []plan.Fault{leave, {Kind: plan.Recover}}, ""},
		{3, []plan.Fault{{Kind: plan.Leave, Nodes: []string{"n1", "n2"}}, {Kind: plan.Recover}}, "plan: faults[1].kind: the plan lets 2 of 3 nodes leave for good: what is committed may be on no disk that is left"},
		{5, []plan.Fault{leave, demote}, ""},
		{5, []plan.Fault{demote, {Kind: plan.Leave, Nodes: []string{plan.Minority}}}, "plan: faults[0].kind: demote leaves 4 voters, of which the plan lets 2 leave for good"},
	} {
		p := withFault(c.faults[0])
		p.Cluster.Nodes, p.Faults, p.Workload, p.Promises = c.nodes, c.faults, nil, nil
		if err := p.Validate(); c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func TestFaultsNeedAnEnd(t *testing.T) {
	p := withFault(plan.Fault{Kind: plan.Crash, Node: "n1"})
	p.Quiescence = 0
	require.EqualError(t, p.Validate(), "plan: calm: missing; a plan with faults must have a time of quiescence, at which they end")
	p.Quiescence = p.Duration
	require.EqualError(t, p.Validate(), "plan: calm: 1m0s is not from 0s to below the end of the run (1m0s)")
}

func TestEveryKindOfFaultIsThereOnce(t *testing.T) {
	seen := map[plan.FaultKind]bool{}
	for _, kind := range taskplan.FaultKinds() {
		require.False(t, seen[kind], kind)
		seen[kind] = true
	}
	require.True(t, seen[plan.Loss] && seen[taskplan.AckFlip] && seen[plan.Operate])
}

func TestTheOtherFaultsKeepTheirKeys(t *testing.T) {
	p := withFault(plan.Fault{Kind: plan.Crash, Node: "n2"})
	p.Faults = append(p.Faults, plan.Fault{Kind: plan.Crash, Node: "n3"})
	less := p.WithoutFault(1)
	require.NoError(t, less.Validate())
	require.Len(t, less.Faults, 2)
	require.Equal(t, p.FaultKey(0), less.FaultKey(0))
	require.Equal(t, p.FaultKey(2), less.FaultKey(1))
	require.Len(t, p.Faults, 3)
	require.Zero(t, p.Faults[2].Key)
}
