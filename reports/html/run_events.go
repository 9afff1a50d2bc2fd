package html

import (
	"fmt"
	"time"

	"dtsim/reports/timeline"
)

// maxEventRows is how many events the table has at most; the diagram has all.
const maxEventRows = 2000

// table returns a table of some events.
func (r *runPage) table(caption string, seqs []int) table {
	t := table{Caption: caption, Columns: []column{{Title: "Event", Number: true}}}
	if !r.steps {
		t.Columns = append(t.Columns, column{Title: "Time", Number: true})
	}
	t.Columns = append(t.Columns, column{Title: "Node"}, column{Title: "Kind"}, column{Title: "What"})
	for _, seq := range seqs {
		e := r.tl.Event(seq)
		cells := []cell{{Text: timeline.Count(int64(seq)), Link: fmt.Sprintf("#e%d", seq)}}
		if !r.steps {
			cells = append(cells, cell{Text: rowTime(e.At)})
		}
		t.Rows = append(t.Rows, row{Cells: append(cells,
			cell{Text: e.Node}, cell{Text: string(e.Kind), Tone: toneMuted}, cell{Text: timeline.Shorten(r.Event(e), 300)})})
	}
	return t
}

// rowTime returns a time with a fixed number of decimals.
func rowTime(d time.Duration) string { return fmt.Sprintf("%.6f s", d.Seconds()) }

// allEvents returns the table of events: all of them or, of a long run, the decisive ones,
// or as many of the last of these as there is room for.
func (r *runPage) allEvents() table {
	events := r.tl.Trace.Events
	var seqs, decisive []int
	for i := range events {
		seqs = append(seqs, i+1)
		if kindGroups[groupIndex(&events[i])].Decisive {
			decisive = append(decisive, i+1)
		}
	}
	cut := ""
	if len(seqs) > maxEventRows {
		seqs = decisive
		cut = fmt.Sprintf("Of %s events these are the %s decisive ones: without messages, lists, requests, snapshots and files. ",
			timeline.Count(int64(len(events))), timeline.Count(int64(len(decisive))))
		if len(seqs) > maxEventRows {
			seqs = r.nearest(seqs)
			cut += fmt.Sprintf("Of those, %s are left out before event %d and after event %d. ", timeline.Count(int64(len(decisive)-len(seqs))), seqs[0], seqs[len(seqs)-1])
		}
		cut += "The diagram and the trace have all."
	}
	t := r.table("The events of the run", seqs)
	t.ID, t.Cut = "events", cut
	return t
}

// nearest returns as many as there is room for of the events around the first violation, or
// of the first events.
func (r *runPage) nearest(seqs []int) []int {
	from := 0
	if all := byRelevance(r.tl.Trace.Footer.Verdict.Violations); len(all) > 0 && len(all[0].Events) > 0 {
		last := all[0].Events[len(all[0].Events)-1]
		for from < len(seqs) && seqs[from] < last {
			from++
		}
		from = min(max(0, from-maxEventRows*3/4), len(seqs)-maxEventRows)
	}
	return seqs[from : from+maxEventRows]
}
