package explore

import "context"

// Machine is a model without the type of its states.
type Machine interface {
	// Check, Walk and Replay are those of the package, for this model.
	Check(context.Context, Options) (Result, error)
	Walk(context.Context, Walking, Options) (Walked, error)
	Replay(Path) (Replayed, error)
	// Properties are the names of what can be broken, liveness included.
	Properties() []string
	// Symmetric, Reducible and Live report which options the model supports.
	Symmetric() bool
	Reducible() bool
	Live() bool
}

// Of makes a machine of a model.
func Of[S any](m Model[S]) Machine { return machine[S]{m} }

type machine[S any] struct{ model Model[S] }

func (m machine[S]) Check(ctx context.Context, o Options) (Result, error) {
	return Check(ctx, m.model, o)
}

func (m machine[S]) Walk(ctx context.Context, how Walking, o Options) (Walked, error) {
	return Walk(ctx, m.model, how, o)
}

func (m machine[S]) Replay(p Path) (Replayed, error) { return Replay(m.model, p) }

func (m machine[S]) Properties() []string {
	names := m.model.Properties()
	if m.Live() {
		progress, reachability := livenessNamesOf(m.model)
		names = append(names[:len(names):len(names)], progress, reachability)
	}
	return names
}

func (m machine[S]) Symmetric() bool { _, ok := m.model.(Symmetric[S]); return ok }
func (m machine[S]) Reducible() bool { _, ok := m.model.(Reducible[S]); return ok }
func (m machine[S]) Live() bool      { _, ok := m.model.(Live[S]); return ok }
