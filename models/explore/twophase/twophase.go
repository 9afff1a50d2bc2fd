// Package twophase is two-phase commit as a machine for package explore: a transaction
// manager and resource managers that agree to commit, or not.
//
// It follows the specification TwoPhase of Gray and Lamport, "Consensus on Transaction
// Commit" (2006): messages are a set to which is added and from which nothing is taken, so
// they may be received any number of times, in any order, or never.
//
// # Invariant
//
// A state is one 64-bit word, and different states are different words.
//
// # What it must not know
//
// How it is explored.
package twophase

import (
	"fmt"
	"strings"

	"dtsim/models/explore"
)

// State is a whole state: four bits for each resource manager from the lowest on (two
// for what it does, one for what the manager heard of it, one for its message), then two
// for the manager and one for each of its messages.
type State uint64

// What a resource manager does.
const (
	working = iota
	prepared
	committed
	aborted
)

// What the transaction manager does.
const (
	undecided = iota
	decidedCommit
	decidedAbort
)

// The bits of a resource manager.
const (
	doing = 0b0011
	heard = 0b0100 // the manager knows that it is prepared
	sent  = 0b1000 // its message "prepared" is out
	width = 4
)

// MostResources is how many resource managers a state has room for.
const MostResources = 15

const (
	manager     = MostResources * width
	sentCommit  = State(1) << (manager + 2)
	sentAbort   = State(1) << (manager + 3)
	managerMask = State(3) << manager
)

// What happens. An action is its kind, and above that the resource manager.
const (
	managerCommits = iota
	managerAborts
	managerHears
	resourcePrepares
	resourceAborts
	resourceHearsCommit
	resourceHearsAbort
	kinds
	kindBits = 3
)

// Consistency is the one property: no resource manager has committed while another has
// aborted.
const Consistency = "consistency"

// Model is two-phase commit with a number of resource managers.
type Model struct {
	resources int
	all       State // heard of every resource manager
	low       State // the lowest bit of every resource manager
	hasty     bool
}

// New returns two-phase commit with n resource managers, 1 to [MostResources].
func New(n int) *Model {
	if n < 1 || n > MostResources {
		panic(fmt.Sprintf("twophase: %d resource managers", n))
	}
	m := &Model{resources: n}
	for r := range n {
		m.low |= 1 << (width * r)
	}
	m.all = m.low * heard
	return m
}

// Hasty returns a manager with a defect: it commits when one has not prepared yet.
func Hasty(n int) *Model {
	m := New(n)
	m.hasty = true
	return m
}

func action(kind, r int) explore.Action { return explore.Action(kind | r<<kindBits) }

func kindOf(a explore.Action) int     { return int(a & (1<<kindBits - 1)) }
func resourceOf(a explore.Action) int { return int(a >> kindBits) }

// Properties is [Consistency].
func (m *Model) Properties() []string { return []string{Consistency} }

// Initial is the one state in which all resource managers work and nothing was sent.
func (m *Model) Initial(states []State) []State { return append(states, 0) }

// Enabled appends what can happen.
func (m *Model) Enabled(s *State, actions []explore.Action) []explore.Action {
	state := *s
	open := state&managerMask == undecided
	if open && m.ready(state) {
		actions = append(actions, managerCommits)
	}
	if open {
		actions = append(actions, managerAborts)
	}
	for r := range m.resources {
		own := state >> (width * r)
		if open && own&sent != 0 {
			actions = append(actions, action(managerHears, r))
		}
		if own&doing == working {
			actions = append(actions, action(resourcePrepares, r), action(resourceAborts, r))
		}
		if state&sentCommit != 0 {
			actions = append(actions, action(resourceHearsCommit, r))
		}
		if state&sentAbort != 0 {
			actions = append(actions, action(resourceHearsAbort, r))
		}
	}
	return actions
}

// ready reports whether the manager may commit.
func (m *Model) ready(s State) bool {
	missing := m.all &^ s
	return missing == 0 || m.hasty && missing&(missing-1) == 0
}

// Step takes an action.
func (m *Model) Step(s *State, a explore.Action) (State, *explore.Broken) {
	next, r := *s, width*resourceOf(a)
	switch kindOf(a) {
	case managerCommits:
		next |= decidedCommit<<manager | sentCommit
		return next, nil
	case managerAborts:
		next |= decidedAbort<<manager | sentAbort
		return next, nil
	case managerHears:
		next |= heard << r
		return next, nil
	case resourcePrepares:
		next = next&^(doing<<r) | (prepared|sent)<<r
		return next, nil
	case resourceAborts, resourceHearsAbort:
		next = next&^(doing<<r) | aborted<<r
	case resourceHearsCommit:
		next = next&^(doing<<r) | committed<<r
	}
	return next, m.broken(next)
}

// broken is what a state contradicts.
func (m *Model) broken(s State) *explore.Broken {
	ends := s >> 1 & m.low // committed or aborted
	abort := ends & s
	commit := ends &^ s
	if abort == 0 || commit == 0 {
		return nil
	}
	return &explore.Broken{Property: Consistency, Message: fmt.Sprintf("%s committed while %s aborted", m.names(commit), m.names(abort))}
}

// names lists the resource managers whose lowest bit is set.
func (m *Model) names(low State) string {
	var names []string
	for r := range m.resources {
		if low>>(width*r)&1 != 0 {
			names = append(names, name(r))
		}
	}
	return strings.Join(names, " and ")
}

func name(r int) string { return fmt.Sprintf("r%d", r+1) }

// Fingerprint is the state itself.
func (m *Model) Fingerprint(s *State) uint64 { return uint64(*s) }

// Describe implements explore.Model.
func (m *Model) Describe(_ *State, a explore.Action) string {
	switch r := name(resourceOf(a)); kindOf(a) {
	case managerCommits:
		return "the manager commits"
	case managerAborts:
		return "the manager aborts"
	case managerHears:
		return "the manager hears that " + r + " is prepared"
	case resourcePrepares:
		return r + " prepares"
	case resourceAborts:
		return r + " aborts by itself"
	case resourceHearsCommit:
		return r + " hears that it is to commit"
	default:
		return r + " hears that it is to abort"
	}
}

// Kind implements explore.Kinded: what happens, without the resource manager.
func (m *Model) Kind(a explore.Action) int { return kindOf(a) }

// Kinds is how many there are.
func (m *Model) Kinds() int { return kinds }

// Process returns the process that takes an action: 0 is the transaction manager.
func (m *Model) Process(_ *State, a explore.Action) int {
	switch kindOf(a) {
	case managerCommits, managerAborts, managerHears:
		return 0
	}
	return 1 + resourceOf(a)
}

// Processes is the number of managers of both sorts.
func (m *Model) Processes() int { return 1 + m.resources }
