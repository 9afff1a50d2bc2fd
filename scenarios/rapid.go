package scenarios

import (
	"pgregory.net/rapid"

	"dtsim/sim/plan"
)

// fair draws a byte of which all values are equally likely: rapid's own ranges
// prefer small numbers, and a swarm of small numbers is no swarm.
var fair = rapid.Custom(func(t *rapid.T) byte {
	var b byte
	for range 8 {
		b <<= 1
		if rapid.Bool().Draw(t, "bit") {
			b |= 1
		}
	}
	return b
})

// Plans generates plans of a family; it shrinks towards few and small choices. It
// panics for a scenario that is none of [Hostile]: that has nothing to choose.
func (s Scenario) Plans() *rapid.Generator[*plan.Plan] {
	if s.family == nil {
		panic("scenarios: " + s.Name + " is not generated")
	}
	return rapid.Custom(func(t *rapid.T) *plan.Plan {
		c := &choices{func(what string) byte { return fair.Draw(t, what) }}
		return s.family.compose(c, s.Name, 1+uint64(c.next("seed")), Options{})
	})
}

// Decode turns bytes into a plan of a family, one byte a choice; what is missing is
// zero. It panics as Plans does.
func (s Scenario) Decode(data []byte) *plan.Plan {
	if s.family == nil {
		panic("scenarios: " + s.Name + " is not generated")
	}
	c := fromBytes(data)
	return s.family.compose(c, s.Name, 1+uint64(c.next("seed")), Options{})
}
