// Package runpage is the page of a run: what happened in it, when and where, as a diagram
// that one can walk through, and with each step what everything was.
//
// The page is made of a [timeline.Timeline] and nothing else, by templates, and carries all
// events. What is worth reading without a script (the violation, what led there, a table
// of events) stands in it as HTML. The diagram is drawn by modules in js, which read the
// columns that pack.go writes:
//
//	model.js    the run: events, and the state at any of them
//	pick.js     which events are shown
//	axis.js     where they stand
//	spans.js    what is to be seen of things that last
//	paint.js    the diagram, lanes.js the parts of a lane
//	view.js     zooming and panning
//	state.js    the state at a step
//	run.js      the page
//
// The modules up to spans.js know nothing of a page, and are tested alone.
package runpage

import (
	"embed"
	"fmt"
	"io"
	"strings"
	"time"

	"dtsim/models/explore/counterexample"
	"dtsim/reports/page"
	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

//go:embed js run.html run.css
var files embed.FS

var templates = page.Templates(files, "run.html")

// Run is what a page shows.
type Run struct {
	Story *timeline.Timeline
	// Replay is the command that makes the run again; empty for none.
	Replay string
	// Plan is the run's plan as a document, Shrunk says what it was shrunk from; both may
	// be empty.
	Plan   []byte
	Shrunk string
	// History is what is known of the order of what clients saw; nil for what [Seen]
	// tells.
	History *History
}

// maxRows is how many events the table has at most: those who have scripts have the
// diagram.
const maxRows = 2000

// view is what the template is given.
type view struct {
	Steps      bool
	Violations []shownViolation
	More       []trace.Violation // without a panel of their own
	Why        page.Table
	Events     page.Table
	Plan       string
	Shrunk     string
	History    *History
	Lanes      int
}

// shownViolation is a violation with the facts that contradict each other.
type shownViolation struct {
	Index             int
	Property, Message string
	Where             string
	Facts             []fact
}

// fact is one side of a contradiction: something that happened, or that had not.
type fact struct {
	Seq    int
	Absent bool
	When   string
	Node   string
	Words  string
	After  string // what has become of it
}

// Write writes the page.
func Write(w io.Writer, r Run) error {
	s := r.Story
	t := newTeller(s)
	if r.History == nil {
		var err error
		if r.History, err = Seen(s.Trace); err != nil {
			return err
		}
	}
	v := view{Steps: s.Trace.Header.Engine == counterexample.Engine, Plan: lines(r.Plan), Shrunk: r.Shrunk, History: r.History, Lanes: len(s.Lanes)}
	packedViolations := []violation{}
	all := order(s.Trace.Footer.Verdict.Violations)
	for i, o := range all {
		explain := s.Explain(o)
		absent := s.Absent(o)
		packedViolations = append(packedViolations, t.pack(o, explain, absent))
		if i == 0 {
			v.Violations = append(v.Violations, t.shown(i, o, explain, absent, v.Steps))
			v.Why = t.table("The events that led there", explain, v.Steps)
		} else {
			v.More = append(v.More, o)
		}
	}
	v.Events = t.all(v.Steps)
	data, err := pack(s, packedViolations)
	if err != nil {
		return err
	}
	body, err := page.Render(templates, "run.html", v)
	if err != nil {
		return err
	}
	css, err := files.ReadFile("run.css")
	if err != nil {
		return err
	}
	p := page.Page{
		Kind: "run", Title: title(&s.Trace.Header), Verdict: verdict(&s.Trace.Footer), Facts: facts(s, v.Steps), Build: short(s.Trace.Header.Build),
		Command: page.Command{Label: "Again", Line: r.Replay}, Body: body, Wide: true, Styles: []string{string(css)},
		Modules: []page.Module{{Files: files, Name: "js/run.js"}}, Data: []page.Data{{ID: "run", Type: "application/gzip", Text: data}},
	}
	if r.History != nil && r.History.Frame != "" {
		p.Frames = []string{r.History.Frame}
	}
	return p.Write(w)
}

// lines is a document with all that is not seen in it written out, but for its lines.
func lines(document []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(document)) {
		b.WriteString(page.Visible(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return b.String()
}

// order puts a violation of the property that the run was shrunk for, or whose facts say
// most, in front: one that names what had not come before one of the specification.
func order(all []trace.Violation) []trace.Violation {
	var first, rest []trace.Violation
	for _, v := range all {
		if len(first) == 0 && v.Property != "P2" && v.Property != "P1" {
			first = append(first, v)
		} else {
			rest = append(rest, v)
		}
	}
	return append(first, rest...)
}

func title(h *trace.Header) string {
	if h.Engine == counterexample.Engine {
		return "a counterexample of the model checker"
	}
	return fmt.Sprintf("%s, seed %d", h.Plan.Name, h.Plan.Seed)
}

func verdict(f *trace.Footer) page.Verdict {
	if f.Verdict.Passed {
		return page.Verdict{Text: "held", Tone: page.Good}
	}
	seen := make(map[string]bool)
	var names []string
	for _, v := range order(f.Verdict.Violations) {
		if !seen[v.Property] {
			seen[v.Property] = true
			names = append(names, v.Property)
		}
	}
	if n := len(names) - maxNames; n > 0 {
		names = append(names[:maxNames], fmt.Sprintf("%d more", n))
	}
	return page.Verdict{Text: strings.Join(names, ", ") + " violated", Tone: page.Bad}
}

// maxNames is how many properties the badge names.
const maxNames = 5

func facts(s *timeline.Timeline, steps bool) []page.Fact {
	h, f := &s.Trace.Header, &s.Trace.Footer
	all := []page.Fact{{Name: "Events", Value: page.Count(int64(len(s.Trace.Events)))}}
	if !steps {
		all = append(all,
			page.Fact{Name: "Time", Value: page.Duration(f.VirtualTime), Exact: f.VirtualTime.String()},
			page.Fact{Name: "Nodes", Value: fmt.Sprint(len(s.Lanes))},
			page.Fact{Name: "Engine", Value: fmt.Sprintf("%s, entropy %d", h.Engine, h.Entropy)})
	}
	return append(all, page.Fact{Name: "Hash", Value: short(f.Hash), Exact: f.Hash, Mono: true})
}

// short shortens a hash.
func short(hash string) string {
	if len(hash) > 12 {
		return hash[:12]
	}
	return hash
}

// pack is a violation as the page carries it.
func (t *teller) pack(v trace.Violation, explain []int, absences []timeline.Absence) violation {
	out := violation{Property: v.Property, Message: page.Visible(v.Message), At: int64(v.At), Node: v.Node, Events: append([]int{}, v.Events...), Explain: append([]int{}, explain...), Absent: []absent{}}
	for _, a := range absences {
		i, ok := t.tl.Lane(a.Node)
		if ok {
			out.Absent = append(out.Absent, absent{What: a.What, Lane: i + 1, Came: a.Came})
		}
	}
	return out
}

// shown is a violation as people read it. Of its events the last is what shows it; where
// something had not come, that is the other side, else it is the events before.
func (t *teller) shown(i int, v trace.Violation, explain []int, absences []timeline.Absence, steps bool) shownViolation {
	out := shownViolation{Index: i, Property: v.Property, Message: v.Message}
	if !steps {
		out.Where = page.Duration(v.At)
		if v.Node != "" {
			out.Where += " on " + v.Node
		}
	}
	happened := v.Events
	if len(absences) > 0 && len(happened) > 1 {
		happened = happened[len(happened)-1:]
	}
	if len(happened) > 3 {
		happened = happened[len(happened)-3:]
	}
	for _, seq := range happened {
		e := t.tl.Event(seq)
		f := fact{Seq: seq, Node: e.Node, Words: t.Event(e)}
		if !steps {
			f.When = when(e)
		}
		if e.Kind == trace.Committed {
			f.After = t.left(seq)
		}
		out.Facts = append(out.Facts, f)
	}
	last := 0
	if len(v.Events) > 0 {
		last = v.Events[len(v.Events)-1]
	}
	for _, a := range absences {
		f := fact{Absent: true, Node: a.Node, Words: "no " + a.What + " of " + a.Node, After: "it never came"}
		if a.Came != 0 {
			f.Seq = a.Came
			f.After = "it came at " + when(t.tl.Event(a.Came))
			if !steps && last != 0 {
				f.After = fmt.Sprintf("it came %s later, at %s", page.Duration(t.tl.At(a.Came)-t.tl.At(last)), when(t.tl.Event(a.Came)))
			}
		}
		out.Facts = append(out.Facts, f)
	}
	return out
}

// left says what a command has left of its task.
func (t *teller) left(seq int) string {
	for next := seq + 1; next <= len(t.tl.Trace.Events); next++ {
		e := t.tl.Event(next)
		if e.Kind != trace.TaskChanged {
			return ""
		}
		if e.Str("unit") == "" {
			return "so " + t.Event(e)
		}
	}
	return ""
}

// table is a table of some events.
func (t *teller) table(caption string, seqs []int, steps bool) page.Table {
	table := page.Table{Caption: caption, Columns: []page.Column{{Title: "Event", Number: true}}}
	if !steps {
		table.Columns = append(table.Columns, page.Column{Title: "Time", Number: true})
	}
	table.Columns = append(table.Columns, page.Column{Title: "Node"}, page.Column{Title: "Kind"}, page.Column{Title: "What"})
	for _, seq := range seqs {
		e := t.tl.Event(seq)
		cells := []page.Cell{{Text: page.Count(int64(seq)), Link: fmt.Sprintf("#e%d", seq)}}
		if !steps {
			cells = append(cells, page.Cell{Text: seconds(e.At)})
		}
		table.Rows = append(table.Rows, page.Row{Cells: append(cells,
			page.Cell{Text: e.Node}, page.Cell{Text: string(e.Kind), Tone: page.Muted}, page.Cell{Text: timeline.Shorten(t.Event(e), 300)})})
	}
	return table
}

// seconds is a time with as many digits as all others.
func seconds(d time.Duration) string { return fmt.Sprintf("%.6f s", d.Seconds()) }

// all is the table of events: all of them or, of a long run, those that decide, or as many
// of the last of these as there is room for.
func (t *teller) all(steps bool) page.Table {
	events := t.tl.Trace.Events
	var seqs, decide []int
	for i := range events {
		seqs = append(seqs, i+1)
		if groups[grouped(&events[i])].Decides {
			decide = append(decide, i+1)
		}
	}
	cut := ""
	if len(seqs) > maxRows {
		seqs = decide
		cut = fmt.Sprintf("Of %s events these are the %s that decide: without messages, lists, requests, snapshots and files. ",
			page.Count(int64(len(events))), page.Count(int64(len(decide))))
		if len(seqs) > maxRows {
			seqs = t.nearest(seqs)
			cut += fmt.Sprintf("Of those, %s are left out before event %d and after event %d. ", page.Count(int64(len(decide)-len(seqs))), seqs[0], seqs[len(seqs)-1])
		}
		cut += "The diagram and the trace have all."
	}
	table := t.table("The events of the run", seqs, steps)
	table.ID, table.Cut = "events", cut
	return table
}

// nearest are as many as there is room for of those before and behind the first
// violation, or of the first ones.
func (t *teller) nearest(seqs []int) []int {
	from := 0
	if all := order(t.tl.Trace.Footer.Verdict.Violations); len(all) > 0 && len(all[0].Events) > 0 {
		last := all[0].Events[len(all[0].Events)-1]
		for from < len(seqs) && seqs[from] < last {
			from++
		}
		from = min(max(0, from-maxRows*3/4), len(seqs)-maxRows)
	}
	return seqs[from : from+maxRows]
}

// teller says what a run is about.
type teller struct {
	*timeline.Describer
	tl *timeline.Timeline
}

func newTeller(s *timeline.Timeline) *teller { return &teller{s.Describer(), s} }

// when says the time of an event.
func when(e *trace.Event) string { return page.Duration(e.At) }
