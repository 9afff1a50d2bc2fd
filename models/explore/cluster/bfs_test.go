package cluster

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"dtsim/models/explore"
)

var (
	bfsConfig = flag.String("bfs", "", "")
	bfsMax    = flag.Int("bfsmax", 1<<30, "")
	bfsProf   = flag.String("bfsprof", "", "")
)

func TestBFS(t *testing.T) {
	if *bfsConfig == "" {
		t.Skip()
	}
	c := Configs()[*bfsConfig]
	if *bfsProf != "" {
		f, _ := os.Create(*bfsProf)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	type from struct {
		prev int32
		a    explore.Action
	}
	start := time.Now()
	seen := map[uint64]struct{}{}
	states := m.Initial(nil)
	states[0] = m.Canonical(&states[0])
	seen[m.Fingerprint(&states[0])] = struct{}{}
	trail := []from{{-1, 0}}
	var acts, ample []explore.Action
	gen, depth, last := 0, 0, 1
	dead := 0
	for i := 0; i < len(states); i++ {
		if i == last {
			depth++
			last = len(states)
			fmt.Println("depth", depth, "frontier", len(states)-i, "states", len(states), "gen", gen, "rate", float64(gen)/time.Since(start).Seconds(), "parts", m.parts.len(), "records", m.records.len(), "entries", m.entries.n.Load())
		}
		s := states[i]
		acts = m.Enabled(&s, acts[:0])
		ample = m.Ample(&s, acts, ample[:0])
		if len(acts) == 0 {
			dead++
			if dead <= 3 {
				fmt.Println("end state:", m.sketch(&s))
			}
		}
		for _, a := range ample {
			n, b := m.Step(&s, a)
			gen++
			if b != nil {
				var lines []string
				lines = append(lines, m.Describe(&s, a))
				for j := int32(i); trail[j].prev >= 0; j = trail[j].prev {
					lines = append(lines, m.Describe(&states[trail[j].prev], trail[j].a))
				}
				for k := len(lines) - 1; k >= 0; k-- {
					fmt.Println(" ", lines[k])
				}
				t.Fatalf("%s: %s (states %d, %s)", b.Property, b.Message, len(states), time.Since(start))
			}
			n = m.Canonical(&n)
			f := m.Fingerprint(&n)
			if _, ok := seen[f]; ok {
				continue
			}
			seen[f] = struct{}{}
			states = append(states, n)
			trail = append(trail, from{int32(i), a})
		}
		if len(states) > *bfsMax {
			break
		}
	}
	fmt.Println("states", len(states), "gen", gen, "depth", depth, "dead", dead, "time", time.Since(start), "rate", float64(gen)/time.Since(start).Seconds(), "parts", m.parts.len(), "records", m.records.len(), "entries", m.entries.n.Load())
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
