// Package raftcheck holds the properties of Raft against the events of a run, whatever
// application runs on it.
//
// A check sees events, in their order, and nothing else, so that the verdict on a run
// under way and the verdict on its trace, read from a file, come from the same code. A
// violation names the property, the virtual time, the node, the facts that contradict each
// other, and the places in the trace of the events that led there.
//
//	R1  election.go      election safety: at most one leader a term
//	R2  matching.go      log matching: the same index and term means the same entry, and the
//	                     same log up to it
//	R3  completeness.go  leader completeness: what is committed is in the log of every later
//	                     leader
//	R4  safety.go        state machine safety: no two nodes apply different entries at one
//	                     index, and none applies an index twice or out of order
//	R5  promises.go      durable promises: a term never goes back, one vote a term, and what a
//	                     node has acknowledged is on its disk, restarts included
//	R6  catchup.go       catching up: after quiescence every node that is up gets all that
//	                     is committed, and none is sent the same snapshot for ever
//	R7  availability.go  availability: after quiescence, with a majority, a leader accepts
//	                     calls
//	R8  leftovers.go     no leftovers: nothing is blocked for ever, nothing panics, and what was shut
//	                     down leaves no snapshot open
//
// What the checks know of a node's disk (disk.go) is what its stores have recorded there; R2,
// R3 and R5 are not checked in traces of old, which have no such events. The bounds of R6 and R7
// are in bounds.go.
package raftcheck
