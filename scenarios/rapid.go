package scenarios

import (
	"pgregory.net/rapid"

	"dtsim/scenarios/tasks/taskplan"
)

// fair draws a byte of which all values are about equally likely. rapid's ranges prefer
// small numbers, the more so the wider they are, and a swarm of small numbers is no
// swarm: halves of a byte are narrow enough.
var fair = rapid.Custom(func(t *rapid.T) byte {
	return half.Draw(t, "high half")<<4 | half.Draw(t, "low half")
})

var half = rapid.ByteRange(0, 15)

// Plans generates plans of a family; it shrinks towards few and small choices. It
// panics for a scenario that is none of [Hostile]: that has nothing to choose.
func (s Scenario) Plans() *rapid.Generator[*taskplan.Plan] {
	if s.family == nil {
		panic("scenarios: " + s.Name + " is not generated")
	}
	return rapid.Custom(func(t *rapid.T) *taskplan.Plan {
		c := &choices{func(what string) byte { return fair.Draw(t, what) }}
		return s.family.compose(c, s.Name, 1+uint64(c.next("seed")), Options{})
	})
}

// Decode turns bytes into a plan of a family, one byte a choice; what is missing is
// zero. It panics as Plans does.
func (s Scenario) Decode(data []byte) *taskplan.Plan {
	if s.family == nil {
		panic("scenarios: " + s.Name + " is not generated")
	}
	c := fromBytes(data)
	return s.family.compose(c, s.Name, 1+uint64(c.next("seed")), Options{})
}
