// Package property checks the events of a run against the properties of the design.
//
// A check sees events, in their order, and nothing else: not the cluster, not the
// manager, not a clock. So the verdict on a run that is under way and the verdict
// on its trace, read from a file, come from the same code: an [Observer] that is
// given one event after the other.
//
// What stands in the log is folded once, by the ledger, which all checks share, and
// with it what each node could know of it: its lives, and what its scheduler has
// listed. Each check compares that with what replicas, schedulers and providers did.
// What a node does is compared with what it had listed at an earlier instant, never
// with the present state of the log, unless that can only be in the node's favour.
//
// A violation names the property, the virtual time, the node, the facts that contradict
// each other, and the places in the trace of the events that led there.
//
// The properties and where they are checked:
//
//	P1   agreement.go   replicas, restored snapshots and a replay of the log agree
//	P2   spec.go        models/spec and the real machine decide alike, on every command
//	     linearizable.go  and the answers of clients in the order of the log
//	P3   lifecycle.go   only legal transitions
//	P4   ownership.go   the first report claims a unit for good
//	P5   barriers.go    no swap before all owners have prepared
//	P6   barriers.go    groups complete when they are complete, with exactly their units
//	P7   barriers.go    no finish before all owners have acknowledged
//	P8   schema.go      the schema flips iff the task finishes; shards and schema agree
//	P9   callbacks.go   callbacks run once, see what is known, are not replayed
//	P10  failfast.go    one failed unit ends the task, nothing starts afterwards
//	P11  conflicts.go   of conflicting tasks one is active, and its data are left alone
//	P12  cleanups.go    records and local state go in time, and not before
//	P13  throttle.go    progress is throttled, claims and terminal reports are not
//	P14  handles.go     one live handle, terminated in time, none after Close, nothing left
//	P15  answers.go     callers learn what the log has decided
//	P16  progress.go    after quiescence everything ends, within the bounds of bounds.go
//	     promptness.go  and schedulers look when there is something to see
//	     upkeep.go      nodes that are up take part, and their logs are compacted
//	P17  wedges.go      an operator ends what waits for a node that has left
//	P18  robustness.go  failures are outcomes, rejections have words, nothing panics
//	     flaws.go       bad submissions are refused for ever, or come to nothing
//	     patience.go    what fails for ever is tried once a list
//	P19  memory.go      what is kept in memory at rest is what is still needed
//	     promises*.go   what the plan promises
//
// A [Profile] (profile.go) is by which of these rules a run is judged: [Own] has all of them, and
// those of published code omit what only this repository promises, each with its reason.
//
// R1 to R8, those of any Raft application, are in sim/raftcheck; an observer asks both.
//
// P16 has a closed list of waivers for what is unfinished, each with its witness in the
// trace; waivers are counted, as is how often each property was exercised
// ([Observer.Counters]).
package property
