package tasks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/models/explore"
)

// FormatState implements explore.StateFormatter.
func (m *Model) FormatState(s *State) []explore.Part {
	v := view{budget: s.budget, left: s.left}
	for key := range m.Tasks {
		v.records = append(v.records, m.records.at(s.tasks[key].record))
		var parts []*part
		for node := range m.Nodes {
			parts = append(parts, m.parts.at(s.tasks[key].parts[node]))
		}
		v.parts = append(v.parts, parts)
	}
	for _, g := range m.inFlight(s) {
		v.flight = append(v.flight, g.command)
	}
	return m.show(v)
}

// view is a state as the values that it is made of.
type view struct {
	records []*record
	parts   [][]*part // by task and node
	flight  []command
	left    uint32
	budget  budget
}

func (w *world) show(v view) []explore.Part {
	var all []explore.Part
	add := func(name, value string) { all = append(all, explore.Part{Name: name, Value: value}) }
	for key, r := range v.records {
		task := w.taskName(key)
		add(task, r.String())
		for node, p := range v.parts[key] {
			name := task + " on " + w.nodeName(node)
			if v.left&(1<<node) != 0 {
				add(name, "gone for good")
				continue
			}
			add(name, p.String())
			add(name+" remembers", p.decides.Memory.String())
			add(name+" has on disk", w.describeDisk(p))
		}
	}
	var flight []string
	for _, c := range v.flight {
		flight = append(flight, c.String())
	}
	slices.Sort(flight)
	add("in flight", strings.Join(flight, "; "))
	var left []string
	for f, b := range w.budgets() {
		if b.n > 0 {
			left = append(left, fmt.Sprintf("%s=%d", b.name, v.budget.left(fault(f))))
		}
	}
	add("may still happen", strings.Join(left, " "))
	return all
}

// String shows the record in one line.
func (r *record) String() string {
	if r.task == nil {
		return fmt.Sprintf("no record, the schema serves v%d", r.flipped)
	}
	t := r.task
	var b strings.Builder
	fmt.Fprintf(&b, "v%d %s", t.Version, t.Status)
	if t.Error != "" {
		fmt.Fprintf(&b, " (%s)", t.Error)
	}
	for _, id := range slices.Sorted(maps.Keys(t.Units)) {
		u := t.Units[id]
		fmt.Fprintf(&b, " %s=%s", id, u.Status)
		if u.NodeID != "" {
			fmt.Fprintf(&b, "/%s", u.NodeID)
		}
	}
	for _, acks := range []struct {
		what string
		by   map[string]fsm.PostCompletionAck
	}{{"prepared", t.PreparationCompletionAcks}, {"swapped", t.PostCompletionAcks}} {
		for _, node := range slices.Sorted(maps.Keys(acks.by)) {
			fmt.Fprintf(&b, " %s:%s=%t", acks.what, node, acks.by[node].Success)
		}
	}
	if r.flipped != 0 {
		fmt.Fprintf(&b, ", the schema serves v%d", r.flipped)
	}
	for g, version := range r.kept {
		if version != 0 {
			fmt.Fprintf(&b, ", group %d keeps v%d", g+1, version)
		}
	}
	if r.aged {
		b.WriteString(", its time is over")
	}
	return b.String()
}

// String shows what the node is at.
func (p *part) String() string {
	var parts []string
	if !p.passes.Listed {
		return "has not begun"
	}
	if p.ended != 0 {
		parts = append(parts, fmt.Sprintf("v%d had ended when it began", p.ended))
	}
	for _, l := range []struct {
		what string
		*look
	}{{"looks at", p.decides.Current}, {"has got", p.decides.Pending}, {"waits for", p.coming}} {
		if l.look != nil {
			parts = append(parts, fmt.Sprintf("%s list %d: %s", l.what, l.View.Pass, l.Source))
		}
	}
	if a := p.decides.UnderWay; a != nil {
		text := "is at " + a.String()
		if p.committed {
			text += fmt.Sprintf(", committed, accepted=%t", p.accepted)
		}
		parts = append(parts, text)
	}
	for _, w := range p.workers {
		text := fmt.Sprintf("worker of v%d", w.version)
		switch {
		case w.exited:
			text += " has exited"
		case w.terminated:
			text += " was terminated"
		}
		if w.at >= 0 {
			text += " is at " + unitNames[w.at]
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "waits"
	}
	return strings.Join(parts, "; ")
}

func (w *world) describeDisk(p *part) string {
	text := fmt.Sprintf("runs %v, ended %v", p.disk.runs, p.disk.ended)
	for i, unit := range w.localUnits(p.node) {
		text += fmt.Sprintf(", %s: %s", w.unitName(unit), p.disk.shards[i])
	}
	return text
}
