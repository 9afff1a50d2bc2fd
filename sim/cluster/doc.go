// Package cluster runs a plan: a cluster of nodes, each a hashicorp/raft instance with an
// application's process, on a simulated network, on simulated disks and in virtual time.
//
// What runs on the nodes is an [Application]. The package depends on nothing of it beyond its
// interfaces: a machine that raft drives, what a process starts and stops, what clients do.
//
// # Incarnations
//
// Each start of a node is an [Incarnation]. Its one rule is that a dead one does nothing
// more: what it sends is not sent, what it writes is not there at the next start, what it
// emits is not in the trace, whatever its goroutines still try. A crash puts the fence up
// first and takes the rest of the incarnation apart behind it.
//
// # Faults
//
// The faults of the plan begin at their times, or at moments: what reaches one announces
// it and goes on when the faults that wait for it have taken effect. What happens once is
// in this package; what lasts is a rule, kept where the decision is made: about messages in
// package network, about writes in package disk, about calls and the application's own
// decisions here ([Incarnation.Activated]). Quiescence ends them all.
//
// # The order of the trace
//
// Nothing that follows from an apply is in the trace before the apply: applies happen one
// at a time in the whole cluster, together with their events, and every other event waits
// for the one that is under way.
//
// [Run] is called inside a testing/synctest bubble and leaves no goroutine in it.
package cluster
