package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// drawn is a model that is given as a graph, so that results of the explorer can be compared
// with those of simple algorithms on the graph.
type drawn struct {
	nodes   []node
	initial []uint32
	classes int
}

type node struct {
	edges   []edge
	settled bool
}

type edge struct {
	to     uint32
	class  int
	broken bool
}

// owing is a drawn model that promises progress.
type owing struct{ *drawn }

func (d owing) Settled(s *wide) bool            { return d.nodes[s.id].settled }
func (d owing) Class(s *wide, a Action) int     { return d.nodes[s.id].edges[a].class }
func (d owing) Classes() int                    { return d.classes }
func (d owing) LivenessNames() (string, string) { return "P16", "P17" }

// wide is a state of many words, to be packed; what is not id follows from it.
type wide struct {
	id   uint32
	rest [23]uint64
	tail [3]byte
}

func widen(id uint32) wide {
	w := wide{id: id, tail: [3]byte{byte(id), 0, byte(id >> 3)}}
	for i := range w.rest {
		if i%5 == int(id%5) {
			w.rest[i] = uint64(id) << (i % 40)
		}
	}
	return w
}

func (d *drawn) Properties() []string { return []string{"edge"} }

func (d *drawn) Initial(states []wide) []wide {
	for _, id := range d.initial {
		states = append(states, widen(id))
	}
	return states
}

func (d *drawn) Enabled(s *wide, actions []Action) []Action {
	for i := range d.nodes[s.id].edges {
		actions = append(actions, Action(i))
	}
	return actions
}

func (d *drawn) Step(s *wide, a Action) (wide, *Broken) {
	e := d.nodes[s.id].edges[a]
	if e.broken {
		return widen(e.to), &Broken{"edge", fmt.Sprintf("%d to %d", s.id, e.to)}
	}
	return widen(e.to), nil
}

func (d *drawn) Fingerprint(s *wide) uint64        { return uint64(s.id) }
func (d *drawn) Describe(s *wide, a Action) string { return fmt.Sprintf("edge %d of %d", a, s.id) }

// draw makes a graph at random.
func draw(r *rand.Rand, nodes, degree int) *drawn {
	d := &drawn{nodes: make([]node, nodes), classes: r.IntN(4)}
	for range 1 + r.IntN(2) {
		d.initial = append(d.initial, uint32(r.IntN(nodes)))
	}
	for i := range d.nodes {
		d.nodes[i].settled = r.IntN(4) == 0
		for range r.IntN(degree + 1) {
			d.nodes[i].edges = append(d.nodes[i].edges, edge{to: uint32(r.IntN(nodes)), class: r.IntN(d.classes+1) - 1})
		}
	}
	return d
}

// lively gives every node an edge with a class to another node, if there are both.
func (d *drawn) lively(r *rand.Rand) {
	if d.classes == 0 || len(d.nodes) == 1 {
		return
	}
	for i := range d.nodes {
		to := (i + 1 + r.IntN(len(d.nodes)-1)) % len(d.nodes)
		d.nodes[i].edges = append(d.nodes[i].edges, edge{to: uint32(to), class: r.IntN(d.classes)})
	}
}

// reach returns the distance of every node that can be reached, by the book.
func (d *drawn) reach(from ...uint32) map[uint32]int {
	distance := map[uint32]int{}
	for _, id := range from {
		distance[id] = 0
	}
	for changed := true; changed; {
		changed = false
		for id, n := range distance {
			for _, e := range d.nodes[id].edges {
				if old, ok := distance[e.to]; !ok || n+1 < old {
					distance[e.to], changed = n+1, true
				}
			}
		}
	}
	return distance
}

// promises reports, by definition, whether an unsettled node can be reached from which no
// edge with a class leads to another,
// whether one from which no settled one can be, and whether a fair run can stay unsettled
// for ever in a part from which a settled one can be reached.
func (d *drawn) promises() (dead, wedged, stuck bool) {
	unsettled := &drawn{nodes: make([]node, len(d.nodes))} // without the settled nodes
	for i, n := range d.nodes {
		for _, e := range n.edges {
			if !n.settled && !d.nodes[e.to].settled {
				unsettled.nodes[i].edges = append(unsettled.nodes[i].edges, e)
			}
		}
	}
	for id := range d.reach(d.initial...) {
		if d.nodes[id].settled {
			continue
		}
		dead = dead || !slices.ContainsFunc(d.nodes[id].edges, func(e edge) bool { return e.class >= 0 && e.to != id })
		can := false
		for to := range d.reach(id) {
			can = can || d.nodes[to].settled
		}
		wedged = wedged || !can
		var component []uint32
		for to := range unsettled.reach(id) {
			if _, back := unsettled.reach(to)[id]; back {
				component = append(component, to)
			}
		}
		stuck = stuck || can && d.stays(unsettled, component)
	}
	return dead, wedged, stuck
}

// stays reports whether a fair run can go round in a component.
func (d *drawn) stays(unsettled *drawn, component []uint32) bool {
	cycle := false
	served := make([]bool, d.classes)
	for _, id := range component {
		possible := make([]bool, d.classes)
		for _, e := range d.nodes[id].edges {
			if e.class >= 0 && e.to != id {
				possible[e.class] = true
			}
		}
		for c := range served {
			served[c] = served[c] || !possible[c]
		}
		for _, e := range unsettled.nodes[id].edges {
			if e.to != id && slices.Contains(component, e.to) {
				cycle = true
				if e.class >= 0 {
					served[e.class] = true
				}
			}
		}
	}
	return cycle && !slices.Contains(served, false)
}
