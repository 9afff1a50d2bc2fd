package explore

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableIsASet(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) uint64{
		"any fingerprint":  (*rand.Rand).Uint64,
		"few fingerprints": func(r *rand.Rand) uint64 { return r.Uint64() &^ (1<<50 - 1) },
		"crowded at the end of a shard": func(r *rand.Rand) uint64 {
			return ^uint64(0)>>shardBits - r.Uint64N(1<<20)
		},
		"crowded at its beginning": func(r *rand.Rand) uint64 { return r.Uint64N(1 << 20) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 0))
			table, set := newTable[uint64](), map[uint64]bool{}
			for range 3_000 {
				fp := max(draw(r), 1)
				require.Equal(t, set[fp], table.has(nil, fp))
				require.Equal(t, !set[fp], table.insert(nil, fp))
				set[fp] = true
			}
			assert.EqualValues(t, len(set), table.len())
			slots := 0
			for i := range table.shards {
				s := &table.shards[i]
				slots += len(s.slots)
				var fps []uint64
				for _, e := range s.slots {
					if e.fp != 0 {
						fps = append(fps, e.fp)
					}
				}
				assert.True(t, slices.IsSorted(fps))
			}
			assert.EqualValues(t, slots*slotBytes, table.bytes())
			for fp := range set {
				require.True(t, table.has(nil, fp))
			}
		})
	}
}

func TestTableIsDense(t *testing.T) {
	table := newTable[uint64]()
	worst := 0.0
	for i := range uint64(1_000_000) {
		table.insert(nil, mix(i))
		if n := table.len(); n > 50_000 {
			worst = max(worst, float64(table.bytes())/float64(n))
		}
	}
	assert.Less(t, worst, 22.0, "bytes a state")
}

// A link names a parent by 48 bits; where that means two states both are offered.
func TestChainsOffersEveryParent(t *testing.T) {
	table := newTable[uint64]()
	put := func(fp, parent uint64, level int) {
		table.shards[shardOf(fp)].put(fp, link(parent, level))
	}
	const a, b, c, d = 0x1234_5678_9abc_0001, 0x1234_5678_9abc_0002, 0x1234_5678_9abc_0003, 0xffff_0000_0000_0001
	put(a, 0, 0)
	put(b, 0, 0)
	put(c, a, 1) // of another level, so no candidate
	put(d, a, 1)
	var chains [][]uint64
	table.chains(mark{fp: d}, 1, func(chain []mark) bool {
		var fps []uint64
		for _, m := range chain {
			fps = append(fps, m.fp)
		}
		chains = append(chains, fps)
		return true
	})
	assert.Equal(t, [][]uint64{{a, d}, {b, d}}, chains)
}

func TestMixIsABijection(t *testing.T) {
	seen := map[uint64]bool{}
	for i := range uint64(1 << 16) {
		for _, x := range []uint64{i, i << 48, i<<32 | i} {
			seen[mix(x)] = true
		}
	}
	assert.Len(t, seen, 3*(1<<16)-2, "0 is three of them")
	assert.NotZero(t, mix(0))
}
