package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dtsim/models/explore"
	"dtsim/reports/schema"
)

func TestGrowthHasABoundedNumberOfPoints(t *testing.T) {
	var g growth
	shown := 0
	const looks = 10_000
	for i := range looks {
		if g.add(explore.Snapshot{Elapsed: time.Duration(i) * sampleEvery, States: uint64(i)}) {
			shown++
		}
	}
	points := g.until(schema.Check{WallS: 1001, States: looks})
	assert.Equal(t, looks/showEvery, shown)
	assert.LessOrEqual(t, len(points), mostSamples)
	assert.Greater(t, len(points), mostSamples/2)
	gap := points[1].States - points[0].States
	for i := 1; i < len(points)-1; i++ {
		assert.Equal(t, gap, points[i].States-points[i-1].States, "points are evenly apart")
	}
	assert.EqualValues(t, 0, points[0].States)
	assert.EqualValues(t, looks, points[len(points)-1].States, "the end is the end of the search")
}
