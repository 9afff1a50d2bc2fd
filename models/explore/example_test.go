package explore_test

import (
	"context"
	"fmt"
	"slices"

	"dtsim/models/explore"
)

// race is two threads that increment a counter: each reads it, and writes what it has read
// plus one.
type race struct{}

type state struct {
	counter int
	steps   []int // taken by each thread
	read    []int // by each thread
}

func (race) Properties() []string { return []string{"no lost update"} }

func (race) Initial(all []state) []state {
	return append(all, state{steps: make([]int, 2), read: make([]int, 2)})
}

func (race) Enabled(s *state, actions []explore.Action) []explore.Action {
	for thread, steps := range s.steps {
		if steps < 2 {
			actions = append(actions, explore.Action(thread))
		}
	}
	return actions
}

func (race) Step(s *state, thread explore.Action) (state, *explore.Broken) {
	next := state{s.counter, slices.Clone(s.steps), slices.Clone(s.read)}
	if s.steps[thread] == 0 {
		next.read[thread] = s.counter
	} else {
		next.counter = s.read[thread] + 1
	}
	next.steps[thread]++
	return next, nil
}

func (race) CheckState(s *state) []explore.Broken {
	if slices.Equal(s.steps, []int{2, 2}) && s.counter != 2 {
		return []explore.Broken{{Property: "no lost update", Message: fmt.Sprintf("two increments made %d", s.counter)}}
	}
	return nil
}

func (race) Describe(s *state, thread explore.Action) string {
	return fmt.Sprintf("thread %d %s", thread, [...]string{"reads", "writes"}[s.steps[thread]])
}

// A machine is checked, and the shortest path to a broken state is taken again.
func Example() {
	result, err := explore.Check(context.Background(), race{}, explore.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(result)
	path, err := explore.Replay(race{}, result.Violations[0].Path)
	if err != nil {
		panic(err)
	}
	fmt.Print(path)
	// Output:
	// violated: no lost update; 13 states, 14 transitions, depth 4; not exhausted: ended by a violation
	// 1. thread 0 reads
	// 2. thread 1 reads
	// 3. thread 1 writes
	// 4. thread 0 writes
	// violated no lost update: two increments made 1
}

// clock has one state for each number there is.
type clock struct{}

func (clock) Properties() []string                                 { return nil }
func (clock) Initial(all []int) []int                              { return append(all, 0) }
func (clock) Enabled(*int, []explore.Action) []explore.Action      { return []explore.Action{0} }
func (clock) Step(s *int, _ explore.Action) (int, *explore.Broken) { return *s + 1, nil }
func (clock) Describe(*int, explore.Action) string                 { return "tick" }
func (clock) Within(s *int) bool                                   { return *s < 10 }

// A constraint bounds a search that would not end.
func ExampleConstrained() {
	result, err := explore.Check(context.Background(), clock{}, explore.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(result)
	// Output:
	// no violation; 11 states, 10 transitions, depth 9; not exhausted beyond the constraint (states outside it, not expanded: 1)
}
