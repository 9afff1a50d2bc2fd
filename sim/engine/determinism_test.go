package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// long skips a part of a test that takes long, unless DTSIM_LONG is set: make test-long
// sets it, and so does .ci/run.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("DTSIM_LONG") == "" {
		t.Skip("takes long: make test-long runs it")
	}
}

// busy keeps the compiler from leaving loops out.
var busy atomic.Int64

func TestTheSameJobGivesTheSameTrace(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			s := samples[name]
			s.fresh(t, m)
			t.Run("in another process", func(t *testing.T) {
				s.check(t, m, m.open(t, func(o *Options) { o.PlansPerWorker = 1 }))
			})
			t.Run("after others in the same process", func(t *testing.T) {
				e := m.open(t)
				others, count := []string{"orders", "raft", "chatter", "churn"}, 50
				if name == SealedName {
					others, count = []string{"chatter"}, 5 // an instance has no past
				}
				for i := range count {
					_, err := e.Run(t.Context(), job(others[i%len(others)], 3*time.Second, uint64(100+i)))
					require.NoError(t, err)
				}
				s.check(t, m, e)
				if name == NativeName {
					s.check(t, m, e)
				}
			})
			t.Run("for a parent with other settings", func(t *testing.T) {
				for _, setting := range []string{"GOMAXPROCS=1", "GOGC=3", "GODEBUG=randautoseed=0,gctrace=0", "GOMEMLIMIT=1GiB", "TZ=Asia/Tokyo", "GOTRACEBACK=single"} {
					key, value, _ := strings.Cut(setting, "=")
					t.Setenv(key, value)
				}
				s.check(t, m, m.open(t))
			})
			t.Run("on a loaded machine, several at once", func(t *testing.T) {
				long(t)
				stop := make(chan struct{})
				var load sync.WaitGroup
				for range 2 * runtime.NumCPU() {
					load.Go(func() {
						for n := 0; ; n++ {
							select {
							case <-stop:
								return
							default:
								busy.Store(int64(n))
							}
						}
					})
				}
				e := m.open(t)
				var runs sync.WaitGroup
				for range 3 {
					runs.Go(func() { s.check(t, m, e) })
				}
				runs.Wait()
				close(stop)
				load.Wait()
			})
		})
	}
}

func TestEntropyDecidesWhatGoLeavesOpen(t *testing.T) {
	entropies := map[string]int{NativeName: 12, SealedName: 4}
	open := map[string][]string{
		NativeName: {"select", "map", "timer", "random", "random-v2", "secret", "goroutine", "context", "crowd"},
		// Without edits to its runtime, the run queue is first in, first out.
		SealedName: {"select", "map", "timer", "random", "random-v2", "secret"},
	}
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			n := entropies[name]
			whole := make(map[string]bool)
			kinds := make(map[string]map[string]bool)
			for i := range n {
				trace := events(mustRun(t, e, job("orders", time.Second, uint64(i))))
				whole[trace] = true
				for _, kind := range open[name] {
					if kinds[kind] == nil {
						kinds[kind] = make(map[string]bool)
					}
					kinds[kind][only(trace, kind)] = true
				}
			}
			require.Equal(t, n, len(whole), "every entropy gives another trace")
			for kind, orders := range kinds {
				require.True(t, len(orders) > 1, "orders of kind %s", kind)
				require.False(t, orders[""], "no events of kind %s", kind)
			}
		})
	}
}

// only returns the fields of the events of one kind, in order.
func only(events, kind string) string {
	var b strings.Builder
	for line := range strings.Lines(events) {
		if _, fields, ok := strings.Cut(line, fmt.Sprintf(`"kind":%q,"fields":`, kind)); ok {
			b.WriteString(fields)
		}
	}
	return b.String()
}

func TestRaftElectionsDependOnEntropy(t *testing.T) {
	e := maker(Native).open(t)
	seen := make(map[string]bool)
	for i := range 10 {
		seen[events(mustRun(t, e, job("raft", 10*time.Second, uint64(i))))] = true
	}
	require.Equal(t, 10, len(seen))
}

func TestHowLongAnythingTakesDoesNotShow(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			e := m.open(t)
			quick := mustRun(t, e, job("slow=1", time.Second, 1))
			long := mustRun(t, e, job("slow=10000000", time.Second, 1))
			require.Equal(t, events(quick), events(long))
		})
	}
}
