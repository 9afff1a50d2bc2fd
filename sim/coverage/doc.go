// Package coverage counts what a run did: which faults of its plan were activated, in what
// state they found the nodes and the application, and which situations worth meeting it
// came to.
//
// It is an [Observer] of the events of a run of any application, which it queries for what is
// its own (see [Application]). It judges nothing: a run without a single goal passes. What
// it counts goes into the footer of the trace, under names that a campaign can add up
// without reading the events:
//
//	fault/<kind>/asked      faults of the kind in the plan
//	fault/<kind>/applied    of these, those that began
//	fault/<kind>/bites      their activations: decisions they changed (the fault-bit events)
//	fault/<kind>/effective  of these faults, those after which something differed, see faults.go
//	without/<kind>/...      runs made again without a fault that was activated, see [Ablation]
//	state/<kind>/<state>    activations in a state of the node or of the application
//	sometimes/<goal>        how often a situation was reached, see [Goal]
//	tried/<part>/<of>/<case>  how often a case was tried, see [Possibility]
package coverage
