package tasks

import (
	"cmp"
	"fmt"
	"slices"

	"dtsim/models/explore"
)

// machine walks through the states of a configuration on values alone: the shipped code
// runs for every step, nothing is interned or remembered. Counterexamples are written,
// and walked again, by it.
type machine struct {
	*world
	view
	out *journal
}

func newMachine(w *world, out *journal) *machine {
	x := &machine{world: w, view: view{budget: w.budget()}, out: out}
	for _, start := range w.starts(out) {
		x.records = append(x.records, start.record)
		x.parts = append(x.parts, start.parts)
	}
	x.settle()
	return x
}

// step takes an action and returns what it breaks. It returns an error if it is
// not possible here.
func (x *machine) step(action explore.Action) (*Broken, error) {
	a := unpack(action)
	if int(a.key) >= x.Tasks && a.kind != ghostLands && a.kind != ghostDrops || int(a.node) >= x.Nodes || a.kind > operatorEnds {
		return nil, fmt.Errorf("action %#x: there is no such task or node", action)
	}
	broken, err := x.take(a)
	if err != nil {
		return nil, fmt.Errorf("action %#x: %w", action, err)
	}
	x.settle()
	return broken, nil
}

func (x *machine) take(a act) (*Broken, error) {
	gone := x.left&(1<<a.node) != 0
	switch a.kind {
	case nodeMoves:
		if gone || !slices.Contains(x.moves(x.parts[a.key][a.node], x.records[a.key], nil), a.move) {
			return nil, fmt.Errorf("%s cannot do that for %s", x.nodeName(int(a.node)), x.taskName(int(a.key)))
		}
		return x.move(int(a.key), int(a.node), a.move, a.cost())
	case nodeCrashes, nodeLeaves:
		return x.crash(a, gone)
	case ghostLands, ghostDrops:
		if int(a.key) >= len(x.flight) || a.kind == ghostDrops && !x.Drops {
			return nil, fmt.Errorf("no such command is in flight")
		}
		c := x.flight[a.key]
		x.flight = slices.Delete(slices.Clone(x.flight), int(a.key), int(a.key)+1)
		if a.kind == ghostDrops {
			return nil, nil
		}
		return x.commit(c), nil
	case timePasses:
		r := *x.records[a.key]
		if r.task == nil || !r.task.Status.IsTerminal() || r.aged {
			return nil, fmt.Errorf("there is no record whose time could be over")
		}
		r.aged, r.id, r.hash = true, 0, 0
		x.records[a.key] = &r
		return nil, x.spend(expiries)
	}
	c, cost := x.commandOf(a, x.records[a.key].version(), x.budget)
	if err := x.spend(cost); err != nil {
		return nil, err
	}
	return x.commit(c), nil
}

func (x *machine) spend(f fault) error {
	if !x.budget.has(f) {
		return fmt.Errorf("no %s are left", x.budgets()[f].name)
	}
	x.budget = x.budget.spend(f)
	return nil
}

func (x *machine) move(key, node int, m move, cost fault) (*Broken, error) {
	if err := x.spend(cost); err != nil {
		return nil, err
	}
	s := x.do(x.parts[key][node], x.records[key], m, x.out)
	x.parts[key][node], x.records[key] = s.p, s.r
	x.flight = append(slices.Clone(x.flight), s.ghosts...)
	return s.broken, nil
}

func (x *machine) crash(a act, gone bool) (*Broken, error) {
	cost := crashes
	if a.kind == nodeLeaves {
		cost = leaves
	}
	if gone {
		return nil, fmt.Errorf("%s is gone", x.nodeName(int(a.node)))
	}
	if err := x.spend(cost); err != nil {
		return nil, err
	}
	x.out.stopped(int(a.node), a.kind == nodeLeaves)
	for key := range x.Tasks {
		if _, err := x.move(key, int(a.node), move{kind: crash}, free); err != nil {
			return nil, err
		}
	}
	if a.kind == nodeLeaves {
		x.left |= 1 << a.node
	}
	return nil, nil
}

// commit puts a command without a caller into the log.
func (x *machine) commit(c command) *Broken {
	var others []*record
	for key, r := range x.records {
		if key != int(c.key) {
			others = append(others, r)
		}
	}
	done := x.apply(x.records[c.key], c, others...)
	x.records[c.key] = done.record
	x.out.committed(x.world, c, done)
	return done.broken
}

// settle brings every node that waits to rest, and forgets the ghosts that are spent.
func (x *machine) settle() {
	for key := range x.Tasks {
		for node := range x.Nodes {
			if x.left&(1<<node) == 0 {
				x.parts[key][node] = x.rest(x.parts[key][node], x.records[key], x.out)
			}
		}
	}
	x.flight = slices.DeleteFunc(slices.Clone(x.flight), func(c command) bool {
		r := x.records[c.key]
		done := x.apply(r, c)
		return done.record == r && done.broken == nil && (!r.shows(c.version) || r.task.Status.IsTerminal())
	})
	slices.SortFunc(x.flight, func(a, b command) int { return cmp.Compare(hash(a.append(nil)), hash(b.append(nil))) })
	x.out.now(x.records)
}

// describe describes an action before it is taken.
func (x *machine) describe(action explore.Action) string {
	a := unpack(action)
	switch {
	case a.kind == nodeMoves && int(a.key) < x.Tasks && int(a.node) < x.Nodes && describable(x.parts[a.key][a.node], a.move):
		return x.describeMove(x.parts[a.key][a.node], a)
	case (a.kind == ghostLands || a.kind == ghostDrops) && int(a.key) < len(x.flight):
		return x.describeAct(a, x.flight[a.key])
	}
	return x.describeAct(a, command{})
}

// describable reports whether a part has what the move is about: a file may hold anything.
func describable(p *part, m move) bool {
	switch m.kind {
	case perform, reply, performFails, performInterrupted, performUnanswered, performLost:
		return p.decides.UnderWay != nil
	case complete, failUnit:
		return int(m.arg) < len(p.workers) && p.workers[m.arg].at >= 0
	case exits:
		return int(m.arg) < len(p.workers)
	case claim:
		return m.arg>>handleBits < MaxUnits
	}
	return m.kind < moveKinds
}

// CheckPath implements explore.PathChecker.
func (m *Model) CheckPath(_ []State, actions []explore.Action) []Broken {
	var found []Broken
	x := newMachine(m.world, nil)
	for _, a := range actions {
		broken, err := x.step(a)
		if err != nil {
			panic("tasks: a path of the model cannot be walked: " + err.Error())
		}
		if broken != nil {
			found = append(found, *broken)
		}
	}
	return found
}
