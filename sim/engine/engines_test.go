package engine

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
)

// testGuest is the guest of these tests; the name of a plan is what it does.
const testGuest = "./testdata/guest"

// maker is Native or Sealed.
type maker func(context.Context, Options) (Engine, error)

// engines are both of them.
var engines = map[string]maker{NativeName: Native, SealedName: Sealed}

// open makes an engine whose workers are all new.
func (m maker) open(t *testing.T, change ...func(*Options)) Engine {
	t.Helper()
	o := Options{Guest: testGuest, Log: func(message string) { t.Log(message) }}
	for _, f := range change {
		f(&o)
	}
	e, err := m(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// job returns a job for the guest of these tests.
func job(name string, length time.Duration, entropy uint64) Job {
	p := plan.Default()
	p.Name, p.Seed, p.Duration = name, 7, plan.Duration(length)
	return Job{Plan: &p, Entropy: entropy}
}

// mustRun runs a job that must give a trace.
func mustRun(t *testing.T, e Engine, j Job) []byte {
	t.Helper()
	r, err := e.Run(t.Context(), j)
	require.NoError(t, err)
	require.NotZero(t, r.Footer.Events, "a trace without events would equal every other")
	return r.Trace
}

// events returns the lines of a trace between header and footer: what does not
// differ merely because the entropy stands in the header.
func events(trace []byte) string {
	_, rest, _ := bytes.Cut(trace, []byte("\n"))
	lines := bytes.SplitAfter(rest, []byte("\n"))
	return string(bytes.Join(lines[:max(0, len(lines)-2)], nil))
}

// sample are the jobs that every way to run them must give the same traces of.
type sample struct {
	jobs []Job

	once sync.Once
	want [][]byte
}

// samples holds what each engine must be deterministic for. A sealed run takes
// about ten times as long as a native one.
var samples = map[string]*sample{
	NativeName: {jobs: []Job{job("raft", 30*time.Second, 1), job("raft", 30*time.Second, 2), job("orders", time.Second, 3), job("churn", time.Second, 4)}},
	SealedName: {jobs: []Job{job("raft", 8*time.Second, 1), job("orders", time.Second, 3)}},
}

// fresh returns the traces that a worker gives as its first job.
func (s *sample) fresh(t *testing.T, m maker) [][]byte {
	t.Helper()
	s.once.Do(func() {
		e := m.open(t, func(o *Options) { o.PlansPerWorker = 1 })
		for _, j := range s.jobs {
			s.want = append(s.want, mustRun(t, e, j))
		}
	})
	if len(s.want) != len(s.jobs) {
		t.Fatal("the first runs failed")
	}
	return s.want
}

// check runs the jobs and compares. It may be called by any goroutine once fresh
// has been.
func (s *sample) check(t *testing.T, m maker, e Engine) {
	t.Helper()
	want := s.fresh(t, m)
	for i, j := range s.jobs {
		got, err := e.Run(t.Context(), j)
		if err != nil {
			t.Errorf("%s with entropy %d: %v", j.Plan.Name, j.Entropy, err)
		} else if !bytes.Equal(want[i], got.Trace) {
			t.Errorf("%s with entropy %d: %s", j.Plan.Name, j.Entropy, firstDifference(want[i], got.Trace))
		}
	}
}

// firstDifference returns the first line that differs.
func firstDifference(a, b []byte) string {
	left, right := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(left), len(right)) {
		if !bytes.Equal(left[i], right[i]) {
			return string(left[i]) + "\n  became\n" + string(right[i])
		}
	}
	return "one ends before the other"
}

// pids returns the processes of an engine.
func pids(n *workers) []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []int
	for w := range n.all {
		all = append(all, w.cmd.Process.Pid)
	}
	return all
}
