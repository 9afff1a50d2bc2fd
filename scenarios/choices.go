package scenarios

import "dtsim/sim/keyed"

// choices makes the decisions that a plan consists of, each from one byte. The byte
// zero is always the boring choice, so that fewer and smaller bytes make a simpler
// plan, wherever they come from: the hash of a seed, rapid, a fuzzer.
//
// rapid's own Example is not what turns a seed into a plan: its integers go through
// logarithms in floating point, whose last bit differs between machines, and the
// same seed must give the same plan everywhere.
type choices struct {
	// next returns the byte of the next decision; what is its name, for humans.
	next func(what string) byte
}

// fromSeed draws the bytes of a seed. Each belongs to a name and to how often the
// name was asked for.
func fromSeed(scenario string, seed uint64) *choices {
	draw := keyed.New(seed, "choices").Str(scenario)
	asked := make(map[string]uint64)
	return &choices{func(what string) byte {
		asked[what]++
		return byte(draw.Str(what).Int(asked[what]).N(256))
	}}
}

// fromBytes takes the bytes as they are; past the end every choice is boring.
func fromBytes(data []byte) *choices {
	return &choices{func(string) byte {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return b
	}}
}

// number chooses a number in [0, n), for n up to 256. Neighbouring bytes choose the
// same number or neighbours.
func (c *choices) number(what string, n int) int {
	return int(c.next(what)) * n / 256
}

// chance is true for so many of a hundred bytes, never for zero.
func (c *choices) chance(what string, percent int) bool {
	return int(c.next(what)) >= 256-256*percent/100
}

// pick chooses one of several; the first is the boring one.
func pick[T any](c *choices, what string, from ...T) T {
	return from[c.number(what, len(from))]
}
