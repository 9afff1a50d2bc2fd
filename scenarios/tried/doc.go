// Package tried has the account of what no run of a campaign has tried: every case of the task
// manager's interfaces in every state, and every class of values of every option.
//
// A [Row] is one such case; [Rows] lists all that can be, and [Accepted] those that may stay at
// zero, with the reason. What was tried is counted by name, so that counters of runs add up. A
// case that was counted and has no row was thought to be impossible: an account lists it as
// unforeseen.
//
// Options are counted once per plan, each with the classes that its values in the plan are of;
// commands, calls and callbacks once per event. It judges nothing.
package tried
