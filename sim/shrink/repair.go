package shrink

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dtsim/sim/plan"
)

// place is where a plan is invalid: a fault, and a node of it.
var place = regexp.MustCompile(`^faults\[(\d+)\](?:.*\.nodes\[(\d+)\])?`)

// repaired drops whatever a plan that lost an element does not allow any more: an
// operation on a collection that is gone, a fault of a task that is gone. It changes
// s and returns it; nil when that makes no valid plan.
func repaired(s Subject) Subject {
	for {
		err := s.Validate()
		if err == nil {
			break
		}
		var e *plan.Error
		if !errors.As(err, &e) || !drop(s, e.Path) {
			return nil
		}
	}
	p := s.Base()
	if p.Stalls != nil && p.Stalls.Strategy == "" && len(p.Stalls.Held) == 0 {
		p.Stalls = nil
	}
	if len(p.Faults) == 0 && p.Stalls == nil {
		p.Quiescence = 0
	}
	for i := range p.Faults {
		if f := &p.Faults[i]; f.Key == uint64(i)+1 {
			f.Key = 0 // as good, and shorter
		}
	}
	return s
}

// drop removes what a path names, and reports whether it could.
func drop(s Subject, path string) bool {
	if rest, ok := strings.CutPrefix(path, "stalls.held["); ok {
		i, err := strconv.Atoi(rest[:strings.IndexByte(rest, ']')])
		if err != nil {
			return false
		}
		stalls.Without(s, i, i+1)
		return true
	}
	m := place.FindStringSubmatch(path)
	if m == nil {
		return strings.HasPrefix(path, s.Base().Application) && s.Drop(path)
	}
	p := s.Base()
	i, err := strconv.Atoi(m[1])
	if err != nil {
		return false
	}
	if n, err := strconv.Atoi(m[2]); err == nil && n < len(p.Faults[i].Nodes) {
		p.Faults[i].Nodes = slices.Delete(p.Faults[i].Nodes, n, n+1)
		return true
	}
	*p = *p.WithoutFault(i)
	return true
}
