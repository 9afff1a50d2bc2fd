package campaign

import (
	"slices"

	"dtsim/sim/trace"
)

// Comparison is a run and the one that it repeats.
type Comparison struct {
	// Past is the run that should have been repeated, Again its repetition.
	Past, Again Recorded
}

// Comparable reports whether both runs are the same function of the same input,
// so that anything but the same trace is a bug of the harness.
func (c Comparison) Comparable() bool {
	return c.Past.Header.Engine == c.Again.Header.Engine && c.Past.Header.Build == c.Again.Header.Build
}

// Identical reports whether both runs left the same trace.
func (c Comparison) Identical() bool { return c.Past.Footer.Hash == c.Again.Footer.Hash }

// SameVerdict reports whether both runs violate the same properties.
func (c Comparison) SameVerdict() bool {
	past, again := c.Past.Footer.Verdict, c.Again.Footer.Verdict
	return past.Passed == again.Passed &&
		slices.Equal(Outcome{Violations: past.Violations}.Properties(), Outcome{Violations: again.Violations}.Properties())
}

// Nondeterministic reports whether a difference is a bug of the harness.
func (c Comparison) Nondeterministic() bool {
	return c.Comparable() && !(c.Identical() && c.SameVerdict())
}

// Status is the exit status: 3 when two runs that must be equal differ, else that
// of the repetition's verdict.
func (c Comparison) Status() int {
	switch {
	case c.Nondeterministic():
		return 3
	case !c.Again.Footer.Verdict.Passed:
		return 1
	default:
		return 0
	}
}

// Difference describes where two traces part, if both are there.
func (c Comparison) Difference() string {
	if len(c.Past.Trace) == 0 || len(c.Again.Trace) == 0 {
		return "the same run gave two traces"
	}
	return trace.Diverge(c.Past.Trace, c.Again.Trace).String()
}
