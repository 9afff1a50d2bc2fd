package html

import (
	"bytes"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "pgregory.net/rapid" // go test ./... -rapid.seed=N reaches every package

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

// prefixed is a file system whose files stand in testdata.
type prefixed struct{ fs.FS }

func (p prefixed) Open(name string) (fs.File, error) { return p.FS.Open("testdata/" + name) }

func TestTheSameRunIsTheSamePage(t *testing.T) {
	s, err := timeline.New(earlySwap(t))
	require.NoError(t, err)
	var one, other bytes.Buffer
	require.NoError(t, WriteRun(&one, RunView{Timeline: s}))
	require.NoError(t, WriteRun(&other, RunView{Timeline: s}))
	assert.Equal(t, one.Len(), other.Len())
	assert.True(t, bytes.Equal(one.Bytes(), other.Bytes()))
}

// The page of a run that was judged by another contract names the rules that it does not have.
func TestThePageNamesTheProfile(t *testing.T) {
	whole := earlySwap(t)
	var own, published bytes.Buffer
	tl, err := timeline.New(whole)
	require.NoError(t, err)
	require.NoError(t, WriteRun(&own, RunView{Timeline: tl}))
	assert.NotContains(t, own.String(), "The profile")
	whole.Header.Profile = property.Weaviate.Name
	tl, err = timeline.New(whole)
	require.NoError(t, err)
	require.NoError(t, WriteRun(&published, RunView{Timeline: tl}))
	for _, o := range property.Weaviate.Omits {
		assert.Contains(t, published.String(), "<dt>"+string(o.Rule)+"</dt>")
	}
	assert.NotContains(t, published.String(), "Client history", "models/spec is no part of that contract")
	whole.Header.Profile = "none"
	_, err = timeline.New(whole)
	require.ErrorContains(t, err, `there is no profile "none"`)
}

func TestEveryKindIsInAGroup(t *testing.T) {
	seen := make(map[trace.Kind]bool)
	for _, g := range kindGroups {
		for _, k := range g.kinds {
			assert.False(t, seen[k], "%s is in two groups", k)
			seen[k] = true
		}
	}
	for _, whole := range []*trace.Trace{earlySwap(t), timelinetest.Scenario(t, "journey-3", 1), timelinetest.ClusterCounterexample(t)} {
		for i := range whole.Events {
			assert.True(t, seen[whole.Events[i].Kind], "%s is in no group", whole.Events[i].Kind)
		}
	}
}

func TestALongTableNamesWhatItLeavesOut(t *testing.T) {
	whole := earlySwap(t)
	at := whole.Events[len(whole.Events)-1].At
	for range 2 * maxEventRows {
		at += time.Millisecond
		whole.Events = append(whole.Events, trace.Event{Seq: len(whole.Events) + 1, At: at, Node: "n1", Incarnation: 1, Kind: trace.MessageSent,
			Fields: []trace.Field{trace.Str("to", "n2"), trace.Str("msg", "heartbeat"), trace.Int("id", int64(at)), trace.Int("n", 1), trace.Dur("arrives", at)}})
	}
	s, err := timeline.New(whole)
	require.NoError(t, err)
	events := newRunPage(s).allEvents()
	assert.Less(t, len(events.Rows), 336)
	assert.Contains(t, events.Cut, "Of 4,336 events these are the")
	for range maxEventRows + 50 {
		at += time.Millisecond
		whole.Events = append(whole.Events, trace.Event{Seq: len(whole.Events) + 1, At: at, Kind: trace.Quiescence})
	}
	s, err = timeline.New(whole)
	require.NoError(t, err)
	events = newRunPage(s).allEvents()
	assert.Len(t, events.Rows, maxEventRows)
	assert.Contains(t, events.Cut, "are left out before event 1 and after event")
}

func TestTheSidesOfAContradiction(t *testing.T) {
	s, err := timeline.New(earlySwap(t))
	require.NoError(t, err)
	v := byRelevance(s.Trace.Footer.Verdict.Violations)[0]
	shown := newRunPage(s).panel(v, s.Absent(v))
	require.Len(t, shown.Facts, 2)
	assert.Equal(t, evidence{Seq: 154, When: "1.51 s", Node: "n2", Words: "reindex/a@6 is SWAPPING through 18, the preparation ack of n1"}, shown.Facts[0])
	assert.Equal(t, evidence{Absent: true, Seq: 160, Node: "n2", Words: "no preparation ack of n2", After: "it happened 19.1 ms later, at 1.53 s"}, shown.Facts[1])
}

func TestTheHistoryOfARun(t *testing.T) {
	none, err := historyOf(timelinetest.Scenario(t, "journey-3", 1))
	require.NoError(t, err)
	assert.Nil(t, none, "a run that passed")

	seen, err := historyOf(earlySwap(t))
	require.NoError(t, err)
	assert.Contains(t, seen.Words, "What clients saw of reindex/a has no order (P2).")
	assert.Contains(t, seen.Frame, "18 ack-preparation")
	again, err := historyOf(earlySwap(t))
	require.NoError(t, err)
	assert.True(t, seen.Frame == again.Frame, "the same run has the same picture")

	// The same clients, and a verdict with P2.
	whole := timelinetest.Scenario(t, "journey-3", 1)
	whole.Footer.Verdict.Violations = []trace.Violation{{Property: "P2"}}
	fine, err := historyOf(whole)
	require.NoError(t, err)
	assert.Contains(t, fine.Words, "the client history alone is linearizable")
	assert.Empty(t, fine.Frame)
}
