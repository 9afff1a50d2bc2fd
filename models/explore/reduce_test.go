package explore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// threads is a model of a few threads, each a short program over a counter of its own
// and one flag that all share.
type threads struct {
	programs [][]op
	// overclaims makes the model claim that operations on the flag commute, too.
	overclaims bool
	// underreports leaves the flag out of what is relevant.
	underreports bool
}

type op byte

const (
	local  op = iota // counts
	rewind           // goes back to the beginning
	raise            // raises the flag
	lower            // lowers it
	crash            // breaks the property
)

// threadState has a program counter and a counter for each thread.
type threadState struct {
	at, count [4]uint8
	flag      int8
}

func (m *threads) Properties() []string                       { return []string{"crash"} }
func (m *threads) Initial(states []threadState) []threadState { return append(states, threadState{}) }

func (m *threads) Enabled(s *threadState, actions []Action) []Action {
	for i, p := range m.programs {
		if int(s.at[i]) < len(p) {
			actions = append(actions, Action(i))
		}
	}
	return actions
}

func (m *threads) op(s *threadState, a Action) op { return m.programs[a][s.at[a]] }

func (m *threads) Step(s *threadState, a Action) (threadState, *Broken) {
	next := *s
	next.at[a]++
	switch m.op(s, a) {
	case local:
		next.count[a]++
	case rewind:
		next.at[a], next.count[a] = 0, 0
	case raise:
		next.flag = next.flag*2 + 1
	case lower:
		next.flag /= 2
	case crash:
		return next, &Broken{"crash", fmt.Sprintf("thread %d", a)}
	}
	return next, nil
}

func (m *threads) Fingerprint(s *threadState) uint64 {
	h := uint64(uint8(s.flag))
	for i := range s.at {
		h = mix(h*31 + uint64(s.at[i])<<8 + uint64(s.count[i]))
	}
	return h
}

func (m *threads) Describe(s *threadState, a Action) string {
	return fmt.Sprintf("thread %d does %d", a, m.op(s, a))
}

func (m *threads) private(s *threadState, a Action) bool {
	return m.op(s, a) == local || m.op(s, a) == rewind
}

func (m *threads) Ample(s *threadState, enabled, ample []Action) []Action {
	for _, a := range enabled {
		if m.private(s, a) {
			return append(ample, a)
		}
	}
	return append(ample, enabled...)
}

func (m *threads) Independent(s *threadState, a, b Action) bool {
	return m.overclaims || m.private(s, a) || m.private(s, b)
}

func (m *threads) Relevant(s *threadState) uint64 {
	if m.underreports {
		return 0
	}
	return uint64(uint8(s.flag))
}

// recorder remembers what is relevant in every state that is expanded.
type recorder struct {
	*threads
	seen map[uint64]bool
}

func (r recorder) Enabled(s *threadState, actions []Action) []Action {
	r.seen[r.Relevant(s)] = true
	return r.threads.Enabled(s, actions)
}

var programs = [][]op{
	{local, raise, local, local, lower, local},
	{local, local, lower, local, raise, rewind},
	{raise, local, local, raise, local},
}

func TestReductionKeepsWhatIsRelevant(t *testing.T) {
	m := &threads{programs: programs}
	relevant := func(o Options) (map[uint64]bool, Result) {
		r := recorder{m, map[uint64]bool{}}
		got, err := Check(t.Context(), r, o)
		require.NoError(t, err)
		require.True(t, got.Exhausted)
		return r.seen, got
	}
	want, all := relevant(Options{})
	require.GreaterOrEqual(t, len(want), 5)
	for _, o := range []Options{{}, {DepthFirst: true}, {Exact: true}} {
		o.Reduction, o.Audit = true, 1
		seen, got := relevant(o)
		assert.Equal(t, want, seen, "%+v", o)
		assert.Less(t, got.States, all.States*3/4, "%+v", o)
		assert.NotZero(t, got.Reduced)
		assert.NotZero(t, got.Audited)
	}
}

func TestReductionIsTheSameOnManyWorkers(t *testing.T) {
	m := &threads{programs: programs}
	one, err := Check(t.Context(), m, Options{Reduction: true})
	require.NoError(t, err)
	for jobs := 2; jobs <= 4; jobs++ {
		many, err := Check(t.Context(), m, Options{Reduction: true, Jobs: jobs})
		require.NoError(t, err)
		many.Memory = one.Memory // chunks are cut elsewhere
		assert.Equal(t, one, many)
	}
}

// One thread goes round for ever, all by itself. A search that always prefers it never takes
// a step of the other.
func TestNothingIsIgnoredForEver(t *testing.T) {
	m := &threads{programs: [][]op{{local, local, rewind}, {crash}}}
	for _, o := range []Options{{}, {Jobs: 2}, {DepthFirst: true}, {Exact: true}} {
		o.Reduction, o.Audit = true, 1
		got, err := Check(t.Context(), m, o)
		require.NoError(t, err)
		require.Len(t, got.Violations, 1, "%+v", o)
		_, err = Replay(m, got.Violations[0].Path)
		require.NoError(t, err)
	}
}

func TestFalseClaimsAreCaught(t *testing.T) {
	for _, c := range []struct {
		name  string
		model Reducible[threadState]
		why   string
	}{
		{"a pair that does not commute", &threads{programs: [][]op{{raise, local}, {lower}}, overclaims: true}, "different states"},
		{"an ample action that is not enabled", falseClaims{&threads{programs: programs}, func(enabled []Action) []Action { return []Action{17} }}, "not enabled"},
		{"an ample action that is seen", falseClaims{&threads{programs: [][]op{{raise}, {local}}}, func(enabled []Action) []Action { return enabled[:1] }}, "changes what properties look at"},
		{"an ample action that breaks a property", falseClaims{&threads{programs: [][]op{{crash}, {local}}}, func(enabled []Action) []Action { return enabled[:1] }}, "breaks crash"},
		{"an ample action that depends on what may come first", falseClaims{&threads{programs: [][]op{{raise}, {local, lower}}, underreports: true}, func(enabled []Action) []Action { return enabled[:1] }}, "different states"},
		{"no ample action", falseClaims{&threads{programs: programs}, func([]Action) []Action { return nil }}, "no action is ample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, o := range []Options{{}, {Jobs: 3}, {DepthFirst: true}} {
				o.Reduction, o.Audit = true, 1
				_, err := Check(t.Context(), c.model, o)
				var audit *AuditError
				require.ErrorAs(t, err, &audit, "%+v", o)
				assert.Contains(t, audit.Why, c.why)
				assert.NotEmpty(t, audit.A)
			}
		})
	}
}

// falseClaims calls actions ample that are not.
type falseClaims struct {
	*threads
	choose func([]Action) []Action
}

func (l falseClaims) Ample(_ *threadState, enabled, ample []Action) []Action {
	return append(ample, l.choose(slices.Clone(enabled))...)
}
