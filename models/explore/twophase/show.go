package twophase

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/models/explore"
)

// FormatState implements explore.StateFormatter.
func (m *Model) FormatState(s *State) []explore.Part {
	parts := []explore.Part{
		{Name: "manager", Value: [...]string{"undecided", "committed", "aborted", "?"}[*s&managerMask>>manager]},
		{Name: "sent", Value: sentBy(*s)},
	}
	for r := range m.resources {
		own := *s >> (width * r)
		value := [...]string{"working", "prepared", "committed", "aborted"}[own&doing]
		if own&sent != 0 {
			value += ", said so"
		}
		if own&heard != 0 {
			value += ", heard"
		}
		parts = append(parts, explore.Part{Name: name(r), Value: value})
	}
	return parts
}

func sentBy(s State) string {
	switch {
	case s&sentCommit != 0 && s&sentAbort != 0:
		return "commit, abort"
	case s&sentCommit != 0:
		return "commit"
	case s&sentAbort != 0:
		return "abort"
	}
	return "nothing"
}

// CheckPath implements explore.PathChecker: a resource manager that commits at any time and
// another that aborts at any time break the property. It reads the formatted states, not
// their bits.
func (m *Model) CheckPath(states []State, _ []explore.Action) (broken []explore.Broken) {
	ends := map[string][]string{}
	for i := range states {
		for _, part := range m.FormatState(&states[i]) {
			if part.Name == "manager" || part.Name == "sent" {
				continue
			}
			end, _, _ := strings.Cut(part.Value, ",")
			if (end == "committed" || end == "aborted") && !slices.Contains(ends[end], part.Name) {
				ends[end] = append(ends[end], part.Name)
			}
		}
	}
	if len(ends["committed"]) > 0 && len(ends["aborted"]) > 0 {
		broken = append(broken, explore.Broken{Property: Consistency, Message: fmt.Sprintf(
			"%s committed while %s aborted", strings.Join(ends["committed"], " and "), strings.Join(ends["aborted"], " and "))})
	}
	return broken
}
