// Package check holds the properties of the design against the events of a run.
//
// A check sees events, in their order, and nothing else: not the cluster, not the
// manager, not a clock. So the verdict on a run that is under way and the verdict
// on its trace, read from a file, come from the same code: an [Observer] that is
// given one event after the other.
//
// What stands in the log is folded once, by the ledger, which all checks share;
// each check compares that with what replicas, schedulers and providers did.
//
// The properties and where they are checked:
//
//	P1   agreement.go   replicas, restored snapshots and a replay of the log agree
//	P3   lifecycle.go   only legal transitions
//	P4   ownership.go   the first report claims a unit for good
//	P5   barriers.go    no swap before everybody has prepared
//	P6   barriers.go    groups complete when they are complete, with exactly their units
//	P7   barriers.go    no finish before everybody has acknowledged
//	P8   schema.go      the schema flips iff the task finishes; shards and schema agree
//	P10  failfast.go    one failed unit ends the task, nothing starts afterwards
//	P11  conflicts.go   of conflicting tasks one is active, and its data are left alone
//	P14  handles.go     one live handle, terminated in time, none after Close
//	     promises*.go   what the plan promises
package check
