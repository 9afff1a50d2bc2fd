package explore

import (
	"math/rand/v2"
	"slices"
)

// chooser returns a way of choosing, for one run.
func (w *walker[S]) chooser(random *rand.Rand) func(*S, []Action) Action {
	uniform := func(_ *S, enabled []Action) Action { return enabled[random.IntN(len(enabled))] }
	switch w.choices[random.IntN(len(w.choices))] {
	case Swarm:
		return swarm(w.search.model.(Kinded[S]), random, uniform)
	case Priority:
		return priority(w.search.model.(Concurrent[S]), random, w.how.Length)
	}
	return uniform
}

// swarm weighs kinds of actions by 0 (a third of them), 1, 2, 4 or 8. Where only kinds
// of no weight are enabled, all count.
func swarm[S any](m Kinded[S], random *rand.Rand, uniform func(*S, []Action) Action) func(*S, []Action) Action {
	weights := make([]int, m.Kinds())
	for i := range weights {
		if random.IntN(3) > 0 {
			weights[i] = 1 << random.IntN(4)
		}
	}
	return func(s *S, enabled []Action) Action {
		total := 0
		for _, a := range enabled {
			total += weights[m.Kind(a)]
		}
		if total == 0 {
			return uniform(s, enabled)
		}
		left := random.IntN(total)
		for _, a := range enabled {
			if left -= weights[m.Kind(a)]; left < 0 {
				return a
			}
		}
		panic("explore: weights do not add up")
	}
}

// The bounds of a priority choice: a run has at most mostDemotions moments at which the
// process that is first becomes last, and no process takes more than mostInARow steps
// without becoming last, since one that polls for another would go on for ever.
const (
	mostDemotions = 4
	mostInARow    = 64
)

// priority lets the first process move that can, one of its actions at random.
func priority[S any](m Concurrent[S], random *rand.Rand, length int) func(*S, []Action) Action {
	ranks := random.Perm(m.Processes()) // the least is first
	bottom := len(ranks)
	var demotions []int
	for range random.IntN(mostDemotions + 1) {
		demotions = append(demotions, random.IntN(length))
	}
	step, last, row := 0, -1, 0
	var own []Action
	return func(s *S, enabled []Action) Action {
		first := -1
		for _, a := range enabled {
			switch p := m.Process(s, a); {
			case first < 0 || ranks[p] < ranks[first]:
				first, own = p, append(own[:0], a)
			case p == first:
				own = append(own, a)
			}
		}
		if first != last {
			last, row = first, 0
		}
		row++
		if row >= mostInARow || slices.Contains(demotions, step) {
			ranks[first] = bottom
			bottom++
			row = 0
		}
		step++
		return own[random.IntN(len(own))]
	}
}
