package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dtsim/fsm/api"
	"dtsim/models/spec"
)

// never is later than every time of a history.
const never = math.MaxInt64

// CommitOrder judges a history by the order of the log. It takes linear time, but for
// sorting. The rules are those of the log's state machine.
func CommitOrder(h *History, rules *spec.Rules) (Verdict, []Finding) {
	w := &witness{ops: h.Ops, states: []spec.Machine{h.Beginning.begin(rules)}, collections: make(map[string]bool)}
	for _, c := range h.Beginning.Collections {
		w.collections[strings.ToLower(c)] = true
	}
	w.takeOrder()
	w.realTime()
	w.broken = len(w.findings) > 0 || w.unplaced
	for _, op := range w.order {
		w.step(op)
	}
	w.lists()
	switch {
	case len(w.findings) > 0:
		return Illegal, w.findings
	case w.unplaced:
		return Unknown, nil
	}
	return Legal, nil
}

// witness is the log as the order of a history.
type witness struct {
	ops []Op
	// order are the operations in the log, by index.
	order []int
	// states[p] is the state after the first p of them.
	states []spec.Machine
	// collections are those that exist, without regard to case.
	collections map[string]bool
	// unplaced is set if the place of some operation is unknown, broken if the log
	// contradicts the answers of clients: then it is no witness, and what follows from it
	// shows in the log alone.
	unplaced, broken bool
	findings         []Finding
}

func (w *witness) found(op int, hidden bool, format string, args ...any) {
	w.findings = append(w.findings, Finding{op, fmt.Sprintf(format, args...), hidden || w.broken})
}

// takeOrder finds the operations that are in the log, and those whose client got
// another answer.
func (w *witness) takeOrder() {
	requests := make(map[string]int)
	for i := range w.ops {
		o := &w.ops[i]
		answered := o.Outcome == OK || o.Outcome == Rejected
		switch {
		case o.Kind == List:
		case o.Never && answered:
			w.found(i, true, "%s was answered %q, but is not in the log", o.name(), o.Outcome)
		case o.Index == 0 && !o.Never && o.Outcome != NoEffect:
			w.unplaced = true
		case o.Index == 0:
		case o.Outcome == NoEffect:
			w.found(i, true, "%s was answered as without effect, and is in the log at %d", o.name(), o.Index)
			fallthrough
		default:
			if first, twice := requests[o.Request]; twice && o.Request != "" {
				w.found(i, true, "%s took effect twice, at %d and at %d", o.name(), w.ops[first].Index, o.Index)
			}
			requests[o.Request] = i
			w.order = append(w.order, i)
		}
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return cmp.Compare(w.ops[a].Index, w.ops[b].Index) })
	for p := 1; p < len(w.order); p++ {
		if a, b := w.order[p-1], w.order[p]; w.ops[a].Index == w.ops[b].Index {
			w.found(b, true, "%s and %s are both recorded at index %d", w.ops[a].name(), w.ops[b].name(), w.ops[b].Index)
		}
	}
}

// realTime checks that nothing is in the log before what had returned when it was
// called.
func (w *witness) realTime() {
	last := -1 // the operation that was called last, of those so far
	for _, i := range w.order {
		o := &w.ops[i]
		if last >= 0 && o.ended() < w.ops[last].Call {
			w.found(i, true, "%s had returned at %d when %s was called at %d, but is behind it in the log: %d > %d",
				o.name(), o.ended(), w.ops[last].name(), w.ops[last].Call, o.Index, w.ops[last].Index)
		}
		if o.AppliedAt != 0 && (o.AppliedAt < o.Call || o.AppliedAt > o.answeredAt()) {
			w.found(i, true, "%s was applied at %d, outside of the time from its call at %d to its answer at %d",
				o.name(), o.AppliedAt, o.Call, o.answeredAt())
		}
		if last < 0 || o.Call > w.ops[last].Call {
			last = i
		}
	}
}

// step applies an operation to the last state and compares the verdicts.
func (w *witness) step(i int) {
	o := &w.ops[i]
	m := w.states[len(w.states)-1]
	w.states = append(w.states, m)
	next, want := m, spec.Verdict{Class: spec.OK}
	folded := strings.ToLower(o.Collection)
	switch o.Kind {
	case CreateCollection:
		if o.accepted() {
			w.collections[folded] = true
		}
		return
	case DropCollection:
		if !o.accepted() {
			return
		}
		if err := m.CheckClassMutation(o.Collection); err != nil {
			w.found(i, true, "%s was accepted, specified is a refusal: %s", o.name(), err)
		}
		delete(w.collections, folded)
		next, _ = m.DeleteTasksForCollection(o.Collection)
	default:
		next, want = m.Step(o.Index, o.command())
		if o.Kind == Add && w.homeless(m, o) {
			// The collection may come, what is wrong with the command itself stays.
			if next = m; want.Class == spec.OK {
				want = spec.Verdict{Class: spec.Retryable}
			}
		}
	}
	w.states[len(w.states)-1] = next
	if o.verdict() != "" && o.verdict() != want.String() {
		w.found(i, o.Kind == Add && !addable(m, o), "%s at %d was answered %q, specified is %q", o.name(), o.Index, o.verdict(), want)
	}
}

// homeless reports whether a new task is bound to a collection that does not exist.
func (w *witness) homeless(m spec.Machine, o *Op) bool {
	q := o.subject()
	collection, bound := m.Collection(q.Namespace, q.Payload)
	return bound && collection != "" && !w.collections[strings.ToLower(collection)]
}

// addable reports whether the records of the new task's own name are enough to see that its
// verdict is wrong.
func addable(m spec.Machine, o *Op) bool {
	_, alone := m.WithRules(nil).Step(o.Index, o.command())
	return o.verdict() != string(spec.Retryable) && o.verdict() != alone.String()
}

// lists checks that every list is a state of the log: one that shows all that had been
// answered when it was asked for, also to other lists, and nothing that was called
// after it had returned.
func (w *witness) lists() {
	at := make(map[uint64][]int, len(w.states)) // the positions of a state's digest
	for p := range w.states {
		d := w.states[p].Digest()
		at[d] = append(at[d], p)
	}
	latest := make([]int64, len(w.states)) // when the last of the first p was called
	for p, i := range w.order {
		latest[p+1] = max(latest[p], w.ops[i].Call)
	}
	var events []moment
	for p, i := range w.order {
		if end := w.ops[i].ended(); end != never {
			events = append(events, moment{at: end, position: p + 1, list: -1})
		}
	}
	for i := range w.ops {
		if o := &w.ops[i]; o.Kind == List && o.Outcome == OK {
			events = append(events, moment{at: o.Call, list: i, call: 1}, moment{at: o.Return, list: i})
		}
	}
	// What has the same time is concurrent: calls come first.
	slices.SortStableFunc(events, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.call, a.call))
	})
	seen := 0                   // the position that every list from now on must be at
	floors := make(map[int]int) // of lists that were called
	for _, e := range events {
		if e.list < 0 {
			seen = max(seen, e.position)
			continue
		}
		if e.call == 1 {
			floors[e.list] = seen
			continue
		}
		o, floor := &w.ops[e.list], floors[e.list]
		ceiling, _ := slices.BinarySearch(latest, o.Return+1)
		p, ok := firstWithin(at[o.shown()], floor, ceiling-1)
		if !ok {
			w.stale(e.list, floor, ceiling-1)
			continue
		}
		seen = max(seen, p)
	}
}

// moment is when an operation of the log had taken effect, or a list was called (1) or
// returned.
type moment struct {
	at             int64
	position, list int
	call           int
}

// firstWithin returns the first of ascending positions in a closed range.
func firstWithin(positions []int, from, to int) (int, bool) {
	i, _ := slices.BinarySearch(positions, from)
	if i == len(positions) || positions[i] > to {
		return 0, false
	}
	return positions[i], true
}

// stale records why a list is none of the states that it may be: a task that is not as
// any of them has it, or tasks that are of different ones.
func (w *witness) stale(i, from, to int) {
	o := &w.ops[i]
	shown := o.contents()
	names := make(map[name]bool)
	for n := range shown {
		names[n] = true
	}
	for p := from; p <= to; p++ {
		for _, namespace := range w.states[p].Namespaces() {
			for _, t := range w.states[p].Tasks(namespace) {
				names[name{namespace, t.ID}] = true
			}
		}
	}
	for _, n := range sortedNames(names) {
		fits := false
		for p := from; p <= to && !fits; p++ {
			fits = digestOf(w.states[p], n) == shown[n]
		}
		if !fits {
			w.found(i, false, "the list from %d to %d shows task %s/%s as it is nowhere from %s to %s", o.Call, o.Return,
				n.namespace, n.id, w.place(from), w.place(to))
			return
		}
	}
	w.found(i, true, "the list from %d to %d shows tasks as they are at different times between %s and %s, but never together",
		o.Call, o.Return, w.place(from), w.place(to))
}

// place names a position by the log.
func (w *witness) place(p int) string {
	if p == 0 {
		return "the beginning of the log"
	}
	return "index " + strconv.FormatUint(w.ops[w.order[p-1]].Index, 10)
}

// command is the operation as it stands in the log.
func (o *Op) command() *api.ApplyRequest {
	return &api.ApplyRequest{Type: commands[o.Kind], SubCommand: o.Args}
}
