package history

import (
	"fmt"
	"sync"

	"dtsim/models/spec"
)

// Report has the verdicts of both checkers on a history.
type Report struct {
	// Operations is how many there are, Ambiguous how many of them were not answered.
	Operations, Ambiguous  int
	CommitOrder, Porcupine Verdict
	// Findings are those of the commit order.
	Findings []Finding
}

// Judge has both judges judge a history. Rules are those of the state machine that the
// history is of, used by both judges at once; nil has no guards. An error means that the
// form of the history is invalid; then there is no report.
func Judge(h *History, rules *spec.Rules) (Report, error) {
	r := Report{Operations: len(h.Ops)}
	if _, err := h.Beginning.machine(rules); err != nil {
		return Report{}, err
	}
	for i := range h.Ops {
		if err := h.Ops[i].validate(); err != nil {
			return Report{}, fmt.Errorf("history: ops[%d].%w", i, err)
		}
		if o := h.Ops[i].Outcome; o == Ambiguous || o == Pending {
			r.Ambiguous++
		}
	}
	var both sync.WaitGroup
	both.Go(func() { r.CommitOrder, r.Findings = CommitOrder(h, rules) })
	both.Go(func() { r.Porcupine = Search(h, rules) })
	both.Wait()
	return r, nil
}

// Verdict is that of both: illegal if one of them is, legal if both are.
func (r Report) Verdict() Verdict {
	switch {
	case r.CommitOrder == Illegal || r.Porcupine == Illegal:
		return Illegal
	case r.CommitOrder == Legal && r.Porcupine == Legal:
		return Legal
	}
	return Unknown
}

// Agree reports whether the judges do not contradict each other. An unknown verdict
// contradicts none, and what only the log shows, Search may miss.
func (r Report) Agree() bool {
	switch {
	case r.CommitOrder == r.Porcupine, r.CommitOrder == Unknown, r.Porcupine == Unknown:
		return true
	case r.CommitOrder == Legal:
		return false
	}
	for _, f := range r.Findings {
		if !f.Hidden {
			return false
		}
	}
	return true
}
