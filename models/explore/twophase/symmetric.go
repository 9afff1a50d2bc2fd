package twophase

import (
	"slices"

	"dtsim/models/explore"
)

// Symmetric is two-phase commit in which the resource managers play the same role.
type Symmetric struct{ *Model }

// Canonical sorts the resource managers by everything that is known of them: there is one
// representative for all states that are equal but for names.
func (m Symmetric) Canonical(s *State) State {
	return m.sorted(*s, func(a, b State) int { return int(a) - int(b) })
}

// Sorted is two-phase commit of which the representative sorts the resource managers by
// what they do alone, and leaves the order of equal ones: some states have several. How
// many a search meets depends on its order. It is here because the literature counts so.
type Sorted struct{ *Model }

// Canonical sorts the resource managers by what they do.
func (m Sorted) Canonical(s *State) State {
	return m.sorted(*s, func(a, b State) int { return int(a&doing) - int(b&doing) })
}

// Enabled lists the actions in the opposite order: that in which a search with a stack of
// states takes them.
func (m Sorted) Enabled(s *State, actions []explore.Action) []explore.Action {
	first := len(actions)
	actions = m.Model.Enabled(s, actions)
	slices.Reverse(actions[first:])
	return actions
}

func (m *Model) sorted(s State, compare func(a, b State) int) State {
	var own [MostResources]State
	const mask = 1<<width - 1
	for r := range m.resources {
		own[r] = s >> (width * r) & mask
	}
	slices.SortStableFunc(own[:m.resources], compare)
	s &^= m.low * mask
	for r := range m.resources {
		s |= own[r] << (width * r)
	}
	return s
}
