package cluster

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"dtsim/models/explore"
)

var (
	bfsConfig = flag.String("bfs", "", "")
	bfsMax    = flag.Uint64("bfsmax", 0, "")
	bfsProf   = flag.String("bfsprof", "", "")
	bfsOpt    = flag.String("bfsopt", "", "")
	bfsJobs   = flag.Int("bfsjobs", 1, "")
)

func TestBFS(t *testing.T) {
	for _, name := range strings.Fields(strings.ReplaceAll(*bfsConfig, ",", " ")) {
		c := Configs()[name]
		if strings.Contains(*bfsOpt, "o") {
			c.Overlap = true
		}
		if *bfsProf != "" {
			f, _ := os.Create(*bfsProf)
			pprof.StartCPUProfile(f)
			defer pprof.StopCPUProfile()
		}
		m, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, err := explore.Check(context.Background(), explore.Model[State](m), explore.Options{
			Symmetry: strings.Contains(*bfsOpt, "s"), Reduction: strings.Contains(*bfsOpt, "r"), Liveness: strings.Contains(*bfsOpt, "l"),
			MaxStates: *bfsMax, Jobs: *bfsJobs,
		})
		took := time.Since(start)
		fmt.Printf("%s: states %d transitions %d dead %d depth %d exhausted %t audited %d reduced %d graph %+v, %s, %.0f/s, %.1f B/state, parts %d records %d entries %d err %v\n",
			name, r.States, r.Transitions, r.Dead, r.Depth, r.Exhausted, r.Audited, r.Reduced, r.Graph, took, float64(r.Transitions)/took.Seconds(), r.PerState(), m.parts.len(), m.records.len(), m.entries.n.Load(), err)
		for _, v := range r.Violations {
			fmt.Println(v.Property, v.Message, "loop", v.Path.Loop)
			s := m.Initial(nil)[v.Path.Initial]
			for i, a := range v.Path.Actions {
				fmt.Println(" ", i, m.Describe(&s, a))
				s, _ = m.Step(&s, a)
			}
			fmt.Println(m.sketch(&s))
			t.Fail()
		}
	}
}

func (m *Model) sketch(s *State) string {
	text := ""
	for key := range m.Tasks {
		k := &s.tasks[key]
		r := m.records.at(k.record)
		text += fmt.Sprintf("\n t%d v%d %s flipped=%d aged=%t", key+1, r.version(), r.status(), r.flipped, r.aged)
		for node := range m.Nodes {
			p := m.parts.at(k.parts[node])
			text += fmt.Sprintf("\n  n%d booted=%t mem={%s} handles=%v disk=%+v underway=%v", node+1, p.booted, p.memory, p.handles, p.disk, p.underWay)
		}
	}
	return text + fmt.Sprintf("\n flight=%d left=%b", s.flight, s.left)
}
