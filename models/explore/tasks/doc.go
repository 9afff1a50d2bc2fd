// Package tasks is a small cluster of the task manager as a machine that package
// explore visits every state of: the real [fsm.Manager] and the real sched/reconcile,
// over a log, a network, workers, providers and operators that are modelled.
//
// # What runs, and what is modelled
//
// Every command is applied by a Manager, and every decision of a node is made by a
// reconcile.Runner: the one that sched.Scheduler drives, driven in the same order
// (scheduler.go beside sched/pass.go, sched/runner.go and sched/perform.go). What a list
// shows, what is expired, what was terminal at the start, what is pending while an action
// is under way and which workers there are is decided there, and not here.
// A defect in fsm or sched/reconcile is found without touching this package; see
// scenarios/mutation. Modelled are:
//
//   - The log: commands commit one at a time, in any order. One whose caller gives up,
//     or has crashed, stays in flight and commits at any later moment, or never.
//   - Lists: what is committed, or up to Lag changes ago; with Overlap they arrive while
//     an action is under way, made before or after its command committed.
//   - Workers: claim a unit, make it durable, complete or fail it, one after the other;
//     one that gets no answer gives up, and the scheduler starts the run again.
//   - The provider: the reindex of scenarios/tasks/provider with its shards, what it keeps on disk,
//     what it writes to the schema and when (provider.go has the same steps).
//   - Crashes of any node between any two steps, and its return; nodes that are gone for
//     good; callbacks that fail (with and without having done their work), never succeed or are
//     interrupted; users that cancel and add again; time that passes; an operator that
//     gives tasks up. Each has a budget in [Config].
//
// Not modelled: Close of a scheduler (a shutdown in the middle of a callback is an
// interrupt or a crash), the throttle (P13), sessions and duplicates (fsm/replica),
// drops of collections, disks that fail, starts that fail for another reason than shards
// that are not settled, a removal of local state that gives up on a worker which lingers,
// an ack whose content a fault turns, and Raft itself.
//
// That simulated clusters take no step that is neither here nor among these is what
// scenarios/tracecheck checks: every action of a scheduler and every committed command in the
// trace of a run must be one that the same functions allow there. It is a test
// (TestEveryStepIsOneThatTheModelKnows in scenarios), and no part of the verdict of a
// campaign: it costs about 8 % of what a run does.
//
// # What is merged, and why nothing is lost
//
// A step is what has no middle that another node can see, or that a crash can tell from its
// beginning or its end:
//
//   - To list, to see (Saw) and to decide are one step, as they are in the scheduler,
//     which does them in one critical section. So are to carry an action out, to
//     settle it and to decide on the next: memory is all that settling changes, and
//     a crash loses it either way. An action that is decided and not carried out is a
//     state of its own, and so is, with Overlap, one whose command is committed and
//     whose reply is on its way.
//   - To tell a worker to stop, to reap one that has exited, and to ask a provider
//     whether its part is done are done where they are decided. They change nothing
//     that another node or a crash leaves behind.
//   - A callback that changes the schema is two steps: the change, and the rest.
//   - A callback changes the shards of all its units at once. A crash in its middle, with
//     some of them changed, is not a state: each change is done again or taken back for
//     itself, and doing it again changes nothing.
//   - A claim and the work on the unit are one step: the work is durable before it is
//     reported, and doing it again changes nothing.
//   - A node that waits has seen what is committed, without a step, unless Lag lets lists
//     go back in time ([world.rest]). For m.Saw(v).Saw(w) is m.Saw(w) when w is not older
//     than v; TestListsInBetweenLeaveNothing holds that. Where the list would decide
//     something, deciding is a step. What it tried for earlier lists is forgotten, as by
//     the next list. A list that only launches a worker without work is none.
//   - A node after a crash and before its first list is one that is down: to start is to
//     list for the first time.
//   - A command in flight is dropped from the state once it does nothing and never will:
//     its run has ended or is gone, and the Manager was asked.
//
// Versions are 1000, 2000 and so on, by the number of tasks added before, so that the
// other commands of a trace have indexes in between; all times are one instant, and a
// record's time to live is over or is not. Passes are lowered ([step.rebase]) as
// reconcile.Memory.Rebase allows. Tasks share nothing but conflict detection: each command
// runs on a Manager that holds its own task, an add on one that holds all.
//
// # How it is fast
//
// A [State] holds ids of interned components: for each task what is in the log, and
// what each node is to it; and the commands in flight. What a node can do depends on
// two of them, so the shipped code runs once for each pair and move (entry.go). Content
// is compared in full when it is interned; fingerprints are made of hashes of contents,
// never of ids, which depend on the order of the search. One use in 4096 of what is
// remembered runs the shipped code again, on a Manager restored from a snapshot and on
// one that holds other tasks as well, and panics when the outcome is another (audit.go).
//
// # Files
//
//	config.go          what may be asked for, and the named configurations
//	world.go           names, places, groups
//	record.go          what the log has made of a task; command.go: what is done to it
//	part.go            what a node is to a task
//	scheduler.go       lists, decisions, settling; provider.go: callbacks and disks
//	moves.go, work.go  all steps of a node; rest.go: those that need not be taken
//	judge.go           what must never be decided; judge_apply.go: or committed
//	state.go, steps.go the machine for package explore; live.go: what it must get to
//	entry.go           what the shipped code has answered
//	intern.go          pools and memos; spares.go: Managers for the next command; audit.go
//	symmetry.go        nodes and units that play the same role
//	reduction.go       steps that commute
//	machine.go         the same machine on plain values, for counterexamples
//	mutant/            defects of the shipped code, for tests; testdata/check is the program
//	counterexample.go  traces, written and walked again; journal.go: their events; show.go
//
// # What it must not know
//
// Clocks, goroutines and the simulator. It reads and writes the simulator's formats.
package tasks
