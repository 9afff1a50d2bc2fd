// Package tasks binds the task manager of this repository (fsm, fsm/replica, sched) to the
// simulator: it is the application that package sim/cluster runs.
//
// A node's process is a replica, a client, a scheduler and the simulated providers of
// package scenarios/tasks/provider, over a replicated schema whose shards the providers
// rebuild and swap. The workload of the plan (package taskplan) is what clients do. The
// system under test is reached through [System] alone, so that another task manager with
// the same wire formats can stand where ours stands.
//
// Every call of a scheduler, a provider or a client goes through
// [dtsim/sim/cluster.Incarnation.Call], where the faults of the plan decide what becomes of
// it and its events are recorded.
package tasks
