package explore

// Action names one step that is possible in a state. Its bits are the model's own; two
// actions of one state are equal iff they are the same step.
type Action uint64

// Model is a finite machine: its initial states, the actions that are enabled in a state,
// and what an action does.
//
// S is one whole state. It is made of booleans, numbers, strings, arrays, structs, slices,
// maps and interfaces, and holds no pointers, channels or functions. States are equal iff
// their content is; a nil slice or map is equal to an empty one. Unexported fields count,
// blank ones do not.
//
// Laws: every method is a function of its arguments alone, and all methods are safe for
// concurrent use. None keeps or changes what a pointer to a state points to. A slice or
// map that a state holds is never changed once the state was returned: Step copies it
// first. [Check] reports a model that does not as [ErrChanged].
type Model[S any] interface {
	// Properties returns the names that a [Broken] may carry, without those of liveness.
	Properties() []string
	// Initial appends the initial states.
	Initial(states []S) []S
	// Enabled appends the actions possible in s, each once, in an order that depends on s
	// alone. A state without any is a deadlock or an end, see [Live]. A search calls it once
	// for each state that it expands.
	Enabled(s *S, actions []Action) []Action
	// Step takes an action that is enabled in s. broken is nil unless the step breaks a
	// property; next is the state it leads to in either case. For properties of states there
	// is [StateChecker].
	Step(s *S, a Action) (next S, broken *Broken)
	// Describe returns one line that describes an action, given the state it is taken in.
	Describe(s *S, a Action) string
}

// Broken is one broken property: its name, and the facts that contradict each other.
type Broken struct {
	Property string
	Message  string
}

// StateChecker is a model with properties of single states (invariants).
type StateChecker[S any] interface {
	Model[S]
	// CheckState returns the properties that s breaks by itself, each once. A search calls
	// it for every state that it finds, initial states and those outside the constraint
	// included.
	CheckState(s *S) []Broken
}

// Constrained is a model of which only a part is to be explored: one with infinitely many
// states, for example.
type Constrained[S any] interface {
	Model[S]
	// Within reports whether s satisfies the state constraint. A state that does not is
	// checked and counted, but not expanded: what lies beyond it stays unknown.
	Within(s *S) bool
}

// Fingerprinter is a model with a hash of its own for states. Without one, fingerprints
// are derived from the content of states, which takes longer.
type Fingerprinter[S any] interface {
	// Fingerprint is a hash of the state's content: equal states have equal
	// fingerprints, in every process and on every machine.
	Fingerprint(s *S) uint64
}

// Symmetric is a model in which some parts play the same role.
type Symmetric[S any] interface {
	Model[S]
	// Canonical returns the representative of all states that are s but for the names of
	// equal parts. It is idempotent, and commutes with Step up to a renaming. CheckState and
	// Within do not depend on the names. A model that has several representatives for some
	// states is explored soundly, but how many of them are met depends on the order of the
	// search.
	Canonical(s *S) S
}

// Reducible is a model that knows actions that commute.
type Reducible[S any] interface {
	Model[S]
	// Ample appends a subset of the enabled actions that suffices in s: every action of it
	// commutes with everything that can happen before one of it is taken, and changes
	// nothing that a property or Relevant looks at. All of enabled is always right.
	Ample(s *S, enabled, ample []Action) []Action
	// Independent reports whether a and b, both enabled in s, lead to the same state in
	// either order and do not disable each other. The explorer audits what Ample and
	// Independent claim by taking both orders.
	Independent(s *S, a, b Action) bool
	// Relevant is the part of the state that properties look at, as a hash: the reduction
	// must not lose any value of it.
	Relevant(s *S) uint64
}

// Live is a model that must make progress: it has settled states, in which nothing is owed.
type Live[S any] interface {
	Model[S]
	// Settled reports whether nothing is owed in s.
	Settled(s *S) bool
	// Class is the fairness class of an action, from 0 to Classes()-1, or -1 for an action
	// that need never be taken. A run is weakly fair when no class is enabled for ever
	// from some point on without an action of it being taken; so it may stop where none is
	// enabled. There are at most 64.
	//
	// A step that leaves the state as it is belongs to no class, whatever Class returns: it
	// neither takes its class nor makes it enabled. That is TLA+'s WF_v(A), whose steps are
	// those of A that change v (Lamport, "Specifying Systems", section 8.4): repeating what
	// changes nothing does not excuse a run from what would.
	Class(s *S, a Action) int
	Classes() int
}

// LivenessNamer is a live model with names of its own for the properties of [Live].
type LivenessNamer interface {
	// LivenessNames returns the name of the property that no fair run stays unsettled for
	// ever ([Progress] without this interface), and of the one that a settled state can be
	// reached from everywhere ([Reachability]).
	LivenessNames() (progress, reachability string)
}

// Retaining is a model that keeps something of the states it has made, for example parts
// that many of them share.
type Retaining interface {
	// Retained is how many bytes that takes, now. It is counted with what the search takes.
	Retained() uint64
}

// Resetter is a model that can drop what it keeps of the states it has made.
type Resetter interface {
	// Reset is called by a walk between rounds, while no state is in use. States made before
	// it are not used after it.
	Reset()
}

// Concurrent is a model whose actions belong to processes, to which random walks give
// priorities.
type Concurrent[S any] interface {
	Model[S]
	// Process returns the process that takes an action, from 0 to Processes()-1.
	Process(s *S, a Action) int
	Processes() int
}

// Kinded is a model whose actions are of kinds, which random walks prefer or leave out.
type Kinded[S any] interface {
	Model[S]
	// Kind returns the kind of an action, from 0 to Kinds()-1.
	Kind(a Action) int
	Kinds() int
}

// StateFormatter is a model that can print a state.
type StateFormatter[S any] interface {
	Model[S]
	// FormatState returns the parts of a state, in an order that does not depend on s. The
	// same part has the same name in every state.
	FormatState(s *S) []Part
}

// Part is a named part of a state.
type Part struct{ Name, Value string }

// PathChecker is a model that can check its properties a second time, on a whole path, with
// code that shares nothing with Step's and CheckState's.
type PathChecker[S any] interface {
	Model[S]
	// CheckPath returns what the path breaks. states[i+1] is what actions[i] led to from
	// states[i].
	CheckPath(states []S, actions []Action) []Broken
}
