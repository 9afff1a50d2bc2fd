package explore

import (
	"errors"
	"fmt"
	"time"
)

// Options control how a machine is explored. The zero value is breadth first on one worker,
// without reductions, with fingerprints, without bounds.
type Options struct {
	// DepthFirst explores depth first, on one worker: counterexamples are found sooner
	// and are longer.
	DepthFirst bool
	// Exact stores whole states instead of fingerprints: nothing can be omitted, and it
	// takes several times the memory.
	Exact bool
	// Symmetry visits one representative of all states that are equal but for names. The
	// model must be [Symmetric].
	Symmetry bool
	// Reduction leaves out orders of actions that commute. The model must be [Reducible].
	Reduction bool
	// Liveness checks the properties of [Live] as well. It takes breadth first search over
	// all states: neither symmetry nor reduction is sound for it.
	Liveness bool
	// Jobs is the number of workers, 1 when it is 0.
	Jobs int
	// MaxStates is how many states are stored at most; a search that finds one more ends.
	// MaxMemory, in bytes of the explorer's own structures, ends it once it is passed. 0 is
	// no bound.
	MaxStates, MaxMemory uint64
	// Audit makes one expanded state in so many check what the model claims of actions
	// that commute, [DefaultAudit] when it is 0.
	Audit uint64
	// Watch is called at intervals with the progress of the search, from a goroutine of its
	// own.
	Watch func(Snapshot)
	// Every paces Watch, a second when it is 0.
	Every time.Duration
}

// DefaultAudit is the share of states whose reduction is audited: one in so many.
const DefaultAudit = 16

// ErrOptions is wrapped by every error of options that contradict each other or that the
// model does not support.
var ErrOptions = errors.New("explore")

func optionError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrOptions, fmt.Errorf(format, args...))
}

// validate fills in defaults and refuses what cannot be done with a model.
func validate[S any](m Model[S], o *Options) error {
	if o.Jobs < 0 {
		return optionError("%d jobs", o.Jobs)
	}
	o.Jobs = max(o.Jobs, 1)
	if o.Audit == 0 {
		o.Audit = DefaultAudit
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if _, ok := m.(Symmetric[S]); o.Symmetry && !ok {
		return optionError("symmetry reduction: the model has no parts that play the same role")
	}
	if _, ok := m.(Reducible[S]); o.Reduction && !ok {
		return optionError("commuting reduction: the model claims no actions to commute")
	}
	if _, ok := m.(Constrained[S]); ok && (o.Reduction || o.Liveness) {
		return optionError("a state constraint cuts off steps that commuting reduction and liveness depend on")
	}
	if !o.Liveness {
		return nil
	}
	live, ok := m.(Live[S])
	switch {
	case !ok:
		return optionError("liveness: the model has no settled states")
	case o.Symmetry:
		return optionError("liveness: symmetry reduction is sound for safety only")
	case o.Reduction:
		return optionError("liveness: the reduction of commuting actions is sound for safety only")
	case o.DepthFirst:
		return optionError("liveness: the search is breadth first")
	case live.Classes() < 0 || live.Classes() > maxClasses:
		return optionError("liveness: %d fairness classes, at most %d are possible", live.Classes(), maxClasses)
	}
	return nil
}
