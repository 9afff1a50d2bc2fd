package cli

import (
	"time"

	"dtsim/models/explore"
	"dtsim/reports/schema"
)

// sampleEvery is how often a search is looked at, showEvery how many looks there are to
// one that is shown.
const (
	sampleEvery = 100 * time.Millisecond
	showEvery   = 10
)

// mostSamples is how many points the growth of a search has at most.
const mostSamples = 200

// growth is how a search goes on, in a bounded number of points: where there are too
// many, every second one goes.
type growth struct {
	points []schema.Growth
	// stride is how many looks there are to a point, less 1; seen counts the looks.
	stride, seen int
}

// add takes in a sample and reports whether it is one to be shown.
func (g *growth) add(s explore.Snapshot) (show bool) {
	if g.seen%(g.stride+1) == 0 {
		g.points = append(g.points, schema.Growth{
			WallS: s.Elapsed.Seconds(), States: s.States, Transitions: s.Transitions, Waiting: s.Waiting, Depth: s.Depth,
		})
	}
	if len(g.points) == mostSamples {
		half := g.points[:0]
		for i := 0; i < mostSamples; i += 2 {
			half = append(half, g.points[i])
		}
		g.points, g.stride = half, 2*g.stride+1
	}
	g.seen++
	return g.seen%showEvery == 0
}

// until are the points with the end of the search behind them.
func (g *growth) until(d schema.Check) []schema.Growth {
	end := schema.Growth{WallS: d.WallS, States: d.States, Transitions: d.Transitions, Depth: d.Depth}
	if n := len(g.points); n > 0 && !d.Exhausted {
		end.Waiting = g.points[n-1].Waiting
	}
	return append(g.points, end)
}
