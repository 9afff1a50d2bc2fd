package history

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"

	"dtsim/models/spec"
)

// maxPictured is how many operations a picture has at most: porcupine stores every
// order it has tried, and a browser draws every operation.
const maxPictured = 200

// Picture writes porcupine's visualization of the first task whose history has no order, as
// an HTML document, and returns a description of what it shows and leaves out. If every
// history has an order, nothing is written and the description is empty; if the
// contradiction cannot be drawn, there is only a description.
func Picture(w io.Writer, h *History, rules *spec.Rules) (words string, err error) {
	if _, err := h.Beginning.machine(rules); err != nil {
		return "", err
	}
	for _, p := range partition(h, rules) {
		if p.judge() != Illegal {
			continue
		}
		all := p.operations()
		shown := min(len(all), maxPictured)
		steps, budget := 0, leastSteps+shown*stepsPerOp
		model := p.pictured(func() bool { steps++; return steps <= budget })
		result, info := porcupine.CheckOperationsVerbose(model, all[:shown], 0)
		if result != porcupine.Illegal || steps > budget {
			return fmt.Sprintf("What clients saw of %s/%s has no order (P2), but nothing that is wrong was found with the first %d of its %d operations, and more do not fit into a picture.",
				p.name.namespace, p.name.id, shown, len(all)), nil
		}
		words = fmt.Sprintf("What clients saw of %s/%s has no order (P2). The picture is porcupine's: a row for each operation at the same time; the longest orders it found, and where they end.", p.name.namespace, p.name.id)
		if shown < len(all) {
			words += fmt.Sprintf(" It has the first %d of %d operations.", shown, len(all))
		}
		return words, porcupine.Visualize(model, info, w)
	}
	return "", nil
}

// operations are those of a task as porcupine has them, by their calls; each is in the
// first row that is free.
func (p *part) operations() []porcupine.Operation {
	var all []porcupine.Operation
	for _, o := range p.commands {
		s := o.span()
		all = append(all, porcupine.Operation{Input: o, Call: s.from, Return: s.to})
	}
	for _, r := range p.reads {
		all = append(all, porcupine.Operation{Input: r, Call: r.call, Return: r.end})
	}
	slices.SortStableFunc(all, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return))
	})
	var free []int64
	for i := range all {
		row := slices.IndexFunc(free, func(end int64) bool { return end < all[i].Call })
		if row < 0 {
			row = len(free)
			free = append(free, 0)
		}
		free[row] = all[i].Return
		all[i].ClientId = row
	}
	return all
}

// pictured is the model of a task with words for what it takes and for its states. No
// step is taken for which there is no budget.
func (p *part) pictured(afford func() bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return p.begins },
		StepContext: func(_ context.Context, state, input, _ any) (bool, any) {
			if !afford() {
				return false, state
			}
			return p.step(state.(spec.Machine), input)
		},
		Equal: func(a, b any) bool { return a.(spec.Machine).Digest() == b.(spec.Machine).Digest() },
		Hash:  func(s any) uint64 { return s.(spec.Machine).Digest() },
		DescribeOperation: func(input, _ any) string {
			switch o := input.(type) {
			case *Op:
				words := string(o.Kind)
				if o.Index != 0 {
					words = fmt.Sprintf("%d %s", o.Index, o.Kind)
				}
				if !o.accepted() {
					words += " → " + cmp.Or(o.verdict(), "no answer")
				}
				return words
			case *read:
				return "list → " + short(o.digest)
			}
			return ""
		},
		DescribeState: func(state any) string { return short(digestOf(state.(spec.Machine), p.name)) },
	}
}

// short is enough of a digest to tell states apart by eye.
func short(digest uint64) string {
	if digest == 0 {
		return "none"
	}
	return fmt.Sprintf("%016x", digest)[:6]
}
