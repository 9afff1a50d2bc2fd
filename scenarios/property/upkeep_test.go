package property_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

func TestANodeThatIsUpTakesPart(t *testing.T) {
	const end = 10 * time.Minute
	s := newStuck().leave("n3")
	s.lists(end-time.Second, "n1")
	s.lists(2*time.Minute, "n2")
	found, _ := s.ends(end, "n1", "n2")
	require.Equal(t, []string{"P16"}, found, "n2 has listed long ago")

	s = newStuck().leave("n3")
	s.lists(end-time.Second, "n1")
	s.add(end-time.Second, "n2", trace.ListFailed, trace.Str("error", "no leader is known"))
	found, _ = s.ends(end, "n1", "n2")
	require.Equal(t, []string{"P16"}, found, "n2 has never listed")

	s = newStuck().leave("n3")
	s.lists(end-time.Second, "n1")
	s.add(end-2*time.Second, "n2", trace.NodeStopped, trace.Str("how", "shutdown"))
	s.add(end-time.Second, "n2", trace.NodeStarted)
	found, _ = s.ends(end, "n1", "n2")
	require.Empty(t, found, "n2 has just come up")

	found, _ = newStuck().leave("n1", "n3").ends(end, "n2")
	require.Empty(t, found, "without a majority no node lists")
}

func TestALogIsCompacted(t *testing.T) {
	const end = 10 * time.Minute
	holds := func(before time.Duration, covered int64) (found []string, counters map[string]int64) {
		s := newStuck().leave("n3")
		s.add(end-before, "n1", trace.SnapshotStored, trace.Uint("index", 500))
		s.add(end, "n1", trace.AtRest, trace.Str("what", "log"), trace.Uint("first", 500-uint64(covered)), trace.Uint("last", 510),
			trace.Uint("snapshot", 500), trace.Int("covered", covered))
		return s.end(end, "n1", "n2")
	}
	trailing := int64(newStuck().plan.Cluster.Raft.TrailingLogs)
	found, more := holds(time.Minute, trailing+1)
	require.Empty(t, found)
	found, _ = holds(time.Minute, trailing+2)
	require.Equal(t, []string{"P16"}, found)
	found, less := holds(0, trailing+2)
	require.Empty(t, found, "it is about to be compacted")
	require.Equal(t, more["at-stake/P16"]-1, less["at-stake/P16"])
	found, _ = holds(end-30*time.Second, trailing+2)
	require.Empty(t, found, "the disk may have failed, before quiescence")
}
