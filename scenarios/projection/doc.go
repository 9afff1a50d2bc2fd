// Package projection folds the events of a run into the state of its log: the runs of tasks with
// their units and acks, the schema with its shards, and the outcome of every command, each
// decoded once. Checks, goals and reports share it.
//
// It judges nothing, and knows nothing of fsm: what the specification would have made of
// the commands is for models/spec, what must hold is for scenarios/property.
package projection
