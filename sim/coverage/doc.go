// Package coverage says what a run did and did not do: which faults of its plan
// struck, what state the protocol was in when they did, and which situations worth
// meeting it came to.
//
// It is an [Observer] of the events of a run, like the checks of scenarios/property, and
// knows nothing else of it. It judges nothing: a run without a single goal passes.
// What it counts goes into the footer of the trace, under names that a campaign can
// add up without reading the events:
//
//	fault/<kind>/asked      faults of the kind in the plan
//	fault/<kind>/applied    of these, those that began
//	fault/<kind>/bites      decisions they changed (the fault-bit events)
//	fault/<kind>/effective  of these faults, those after which something differed, see faults.go
//	without/<kind>/...      runs made again without a fault that had bitten, see [Without]
//	state/<kind>/<state>    bites in a state of the node or of a task, see [States]
//	sometimes/<goal>        how often a situation was reached, see [Goals]
package coverage
