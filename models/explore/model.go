package explore

// Action names one step that is possible in a state. Its bits are the model's own; two
// actions of one state are equal iff they are the same step.
type Action uint64

// Model is a finite machine: where it may begin, what may happen next, and what must
// never happen. S is one whole state: a plain value without pointers, so that copies
// share nothing and == is equality of states.
//
// Laws: every method is a function of its arguments alone (not of what was asked
// before, nor of who asks), and all methods are safe for concurrent use. None keeps or
// changes what a pointer to a state points to.
type Model[S comparable] interface {
	// Properties are the names that a [Broken] may carry, for accounts.
	Properties() []string
	// Initial appends the initial states.
	Initial(states []S) []S
	// Enabled appends the actions possible in s, each once, in an order that depends on s
	// alone. A state without any is a deadlock or an end, see [Live].
	Enabled(s *S, actions []Action) []Action
	// Step takes an action that is enabled in s. A step or a state that breaks a property
	// is told by broken; next is the state it leads to all the same.
	Step(s *S, a Action) (next S, broken *Broken)
	// Fingerprint is a hash of the state's content: equal states have equal
	// fingerprints, in every process and on every machine.
	Fingerprint(s *S) uint64
	// Describe says what an action is, in one line, given the state it is taken in.
	Describe(s *S, a Action) string
}

// Broken is one broken property: which, and the facts that contradict each other.
type Broken struct {
	Property string
	Message  string
}

// Symmetric is a model in which some parts play the same role.
type Symmetric[S comparable] interface {
	Model[S]
	// Canonical returns the representative of all states that are s but for the names of
	// equal parts. It is idempotent, and commutes with Step up to a renaming. A model that
	// has several representatives for some states is explored soundly, but how many of
	// them are met depends on the order of the search.
	Canonical(s *S) S
}

// Reducible is a model that knows actions that commute.
type Reducible[S comparable] interface {
	Model[S]
	// Ample appends a subset of the enabled actions that suffices in s: every action of it
	// commutes with everything that can happen before one of it is taken, and changes
	// nothing that a property or Relevant looks at. All of enabled is always right.
	Ample(s *S, enabled, ample []Action) []Action
	// Independent says that a and b, both enabled in s, lead to the same state in either
	// order and do not disable each other. The explorer audits what Ample and
	// Independent claim by taking both orders.
	Independent(s *S, a, b Action) bool
	// Relevant is the part of the state that properties look at, as a hash: the reduction
	// must not lose any value of it.
	Relevant(s *S) uint64
}

// Live is a model that must get somewhere.
type Live[S comparable] interface {
	Model[S]
	// Settled says that nothing is owed in s.
	Settled(s *S) bool
	// Class is the fairness class of an action, from 0 to Classes()-1, or -1 for an action
	// that need never be taken. A run is weakly fair when no class is enabled for ever
	// from some point on without an action of it being taken. There are at most 64.
	Class(s *S, a Action) int
	Classes() int
}

// LivenessNamer is a live model with names of its own for what [Live] promises.
type LivenessNamer interface {
	// LivenessNames names the property that no fair run stays unsettled for ever
	// ([Progress] unless named here), and the one that a settled state can be reached from
	// everywhere ([Reachability]).
	LivenessNames() (progress, reachability string)
}

// Retaining is a model that keeps something of the states it has made, parts that many
// of them share for example.
type Retaining interface {
	// Retained is how many bytes that takes, now. It is counted with what the search takes.
	Retained() uint64
}

// Resetter is a model that can drop what it keeps of the states it has made. A walk asks
// it to between rounds, when nobody holds a state: those made before mean nothing after.
type Resetter interface{ Reset() }

// Concurrent is a model whose actions belong to processes, which random walks give
// priorities to.
type Concurrent[S comparable] interface {
	Model[S]
	// Process is whose step an action is, from 0 to Processes()-1.
	Process(s *S, a Action) int
	Processes() int
}

// Kinded is a model whose actions are of kinds, which random walks prefer or leave out.
type Kinded[S comparable] interface {
	Model[S]
	// Kind is what kind of step an action is, from 0 to Kinds()-1.
	Kind(a Action) int
	Kinds() int
}

// StateFormatter is a model that can show a state to people.
type StateFormatter[S comparable] interface {
	Model[S]
	// FormatState returns the parts of a state, in an order that does not depend on s. The same
	// part has the same name in every state.
	FormatState(s *S) []Part
}

// Part is a named part of a state.
type Part struct{ Name, Value string }

// PathChecker is a model that can tell its properties a second time, from a whole path, by
// code that shares nothing with Step's.
type PathChecker[S comparable] interface {
	Model[S]
	// CheckPath returns what the path breaks. states[i+1] is what actions[i] led to from
	// states[i].
	CheckPath(states []S, actions []Action) []Broken
}
