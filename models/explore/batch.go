package explore

import "slices"

// batch holds states that were expanded together and the candidates they led to.
type batch[S any] struct {
	// sources are the expanded states, parents their fingerprints.
	sources []S
	parents []uint64
	// states are the candidates, fps their fingerprints, from the places of their sources.
	states []S
	fps    []uint64
	from   []int32
	// verdicts are the answers of the visited set about the candidates.
	verdicts []verdict

	order   []int32
	touched uint64 // keeps the loads that only warm the cache
}

func (b *batch[S]) reset() {
	b.sources, b.parents = b.sources[:0], b.parents[:0]
	b.states, b.fps, b.from = b.states[:0], b.fps[:0], b.from[:0]
}

// source adds a state to be expanded.
func (b *batch[S]) source(s *S, fp uint64) {
	b.sources = append(b.sources, *s)
	b.parents = append(b.parents, fp)
}

// candidate adds a state that the last source leads to.
func (b *batch[S]) candidate(s *S, fp uint64) {
	b.states = append(b.states, *s)
	b.fps = append(b.fps, fp)
	b.from = append(b.from, int32(len(b.sources)-1))
}

// resize returns a slice of n elements with arbitrary content.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

func reversed[T any](s []T) []T {
	r := slices.Clone(s)
	slices.Reverse(r)
	return r
}
