package export

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/reports/timeline"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

const (
	// timeWidth is the width of the time in front of a row.
	timeWidth = 11
	// minColumnWidth is the smallest width of a column that holds text; if columns are narrower,
	// all text is behind the columns.
	minColumnWidth = 30
	// headerInterval is the number of rows after which the names of the nodes are repeated.
	headerInterval = 60
)

// columnPrinter prints a run.
type columnPrinter struct {
	*Columns
	out *bufio.Writer
	// shown counts printed events, hidden the others, by reason.
	shown  int
	hidden map[string]int
	rows   int
	last   string // the time in front of the newest row
	// lanes are the states of nodes at the event.
	lanes []laneState
	// lists are the newest listings of nodes, folded counts equal ones since then.
	lists  map[string]string
	folded map[string]int
	// step is the newest step of a model, from 1.
	step int64
	// merged is an event that is printed with the one before it.
	merged int
}

// laneState is the state of a node.
type laneState struct{ up, paused, leads bool }

// columnRow is the row of an event: below a node, or across all for column -1.
type columnRow struct {
	time   string
	column int
	node   string
	text   string
	colors text.Colors
}

func (p *columnPrinter) print() {
	p.lanes = make([]laneState, len(p.tl.Lanes))
	p.folded = make(map[string]int)
	p.header()
	for i := range p.tl.Trace.Events {
		e := &p.tl.Trace.Events[i]
		p.follow(e)
		if e.Seq == p.merged {
			p.shown++
		} else if why := p.hiddenReason(e); why != "" {
			p.hidden[why]++
		} else if words := p.describe(e); words != "" {
			p.shown++
			p.event(e, words)
		}
		for _, v := range p.violated[e.Seq] {
			if e.At >= p.From && (p.Until == 0 || e.At <= p.Until) {
				p.row(columnRow{time: p.time(e), column: -1, text: fmt.Sprintf("✗ %s is violated: %s", v.Property, v.Message), colors: styleBad})
			}
		}
	}
	p.footer()
}

// follow updates the states of nodes.
func (p *columnPrinter) follow(e *trace.Event) {
	if b, ok := e.Body.(*event.Step); ok {
		p.step = b.N
	}
	at, ok := p.tl.Lane(e.Node)
	if !ok {
		return
	}
	l := &p.lanes[at]
	switch b := e.Body.(type) {
	case *event.NodeStarted:
		*l = laneState{up: true}
	case *event.NodeStopped, *event.NodeLeft:
		*l = laneState{}
	case *event.NodePaused:
		l.paused = true
	case *event.NodeResumed:
		l.paused = false
	case *event.NodeState:
		l.leads = b.State == event.Leader
	}
}

// glyph returns the line of a node in its column.
func (l laneState) glyph() string {
	switch {
	case !l.up:
		return " "
	case l.paused:
		return "┊"
	case l.leads:
		return "┃"
	}
	return "│"
}

// time returns the time of an event in front of its row.
func (p *columnPrinter) time(e *trace.Event) string {
	if p.steps {
		return fmt.Sprintf("step %d", p.step)
	}
	return strconv.FormatFloat(float64(e.At.Round(time.Microsecond))/float64(time.Second), 'f', 6, 64)
}

// describe describes an event; "" if its description was just printed.
func (p *columnPrinter) describe(e *trace.Event) string {
	words := p.describer.Event(e)
	if len(p.asked) > 0 {
		return words
	}
	switch b := e.Body.(type) {
	case *taskevent.Listed:
		return p.repeated(e, words, cmp.Or(b.Contents, words))
	case *taskevent.ListFailed, *event.SnapshotRestored:
		return p.repeated(e, words, words)
	case *event.Committed:
		return p.commit(e, b, words)
	case *event.Step:
		for _, f := range b.Parts {
			if name, ok := strings.CutPrefix(f.Key, "= "); ok && len(p.tl.Lanes) == 0 {
				words += "\n" + name + ": " + f.Text()
			}
		}
	}
	return words
}

// repeated describes an event; "" if it shows the same as the one of its kind before it on its
// node.
func (p *columnPrinter) repeated(e *trace.Event, words, shows string) string {
	key := e.Node + " " + string(e.Kind)
	if p.lists[key] == shows && !p.facts[e.Seq] && !p.added[e.Kind] {
		p.folded[key]++
		p.hidden[string(e.Kind)+" alike"]++
		return ""
	}
	if n := p.folded[key]; n > 0 {
		words += fmt.Sprintf(" (after %d more like the one before)", n)
	}
	p.lists[key], p.folded[key] = shows, 0
	return words
}

// commit describes a command and the status of its task after it. Progress of a working unit is
// hidden.
func (p *columnPrinter) commit(e *trace.Event, b *event.Committed, words string) string {
	if e.Seq == len(p.tl.Trace.Events) {
		return words
	}
	next := p.tl.Event(e.Seq + 1)
	changed, ok := next.Body.(*taskevent.TaskChanged)
	if !ok || next.Node != e.Node {
		return words
	}
	progress := b.Command == taskevent.CommandUnitProgress && b.Outcome == event.Accepted && changed.Progress != "0"
	if progress && !p.facts[e.Seq] && !p.facts[next.Seq] && !p.added[e.Kind] {
		p.merged = next.Seq
		p.hidden["progress"]++
		p.shown--
		p.hidden["task-changed"]++
		return ""
	}
	if p.facts[next.Seq] || p.hiddenReason(next) != "" {
		return words
	}
	p.merged = next.Seq
	if changed.Status == taskevent.Absent {
		return words + " → no record"
	}
	words += " → " + string(changed.Status)
	if changed.Unit != "" {
		words += fmt.Sprintf(" (%s %s)", changed.Unit, strings.ToLower(string(changed.UnitStatus)))
	}
	return words
}

// event prints an event.
func (p *columnPrinter) event(e *trace.Event, words string) {
	r := columnRow{time: p.time(e), column: -1, text: words, colors: kindStyles[e.Kind]}
	if at, ok := p.tl.Lane(e.Node); ok {
		r.column, r.node = slices.Index(p.columns, at), e.Node
	}
	outcome := event.OK
	switch b := e.Body.(type) {
	case *event.Committed:
		outcome = b.Outcome
	case *event.Returned:
		outcome = b.Outcome
	}
	if outcome != event.OK {
		r.colors = text.Colors{text.FgRed}
	}
	if p.facts[e.Seq] {
		r.text, r.colors = "✗ "+r.text, styleBad
	}
	p.row(r)
}

// width returns the width of a column with text; 0 if there is no room for text.
func (p *columnPrinter) width() int {
	if len(p.columns) == 0 {
		return 0
	}
	if w := (p.Width - timeWidth - 1) / len(p.columns); w >= minColumnWidth {
		return w
	}
	return 0
}

// row prints a row in as many lines as it takes.
func (p *columnPrinter) row(r columnRow) {
	if p.rows > 0 && p.rows%headerInterval == 0 {
		p.header()
	}
	p.rows++
	stamp := r.time
	if stamp == p.last {
		stamp = ""
	}
	p.last = r.time
	var lines []string
	for _, line := range strings.Split(r.text, "\n") {
		line = timeline.Visible(line)
		if len(lines) > 0 {
			line = "  " + line
		}
		lines = append(lines, wrapText(line, p.textWidth(r))...)
	}
	for i, line := range lines {
		if i > 0 {
			stamp = ""
		}
		fmt.Fprintf(p.out, "%s %s\n", p.paint(fmt.Sprintf("%*s", timeWidth, text.Trim(stamp, timeWidth)), styleDim), strings.TrimRight(p.line(r, line, i == 0), " "))
	}
}

// textWidth returns the width of the text of a row.
func (p *columnPrinter) textWidth(r columnRow) int {
	switch w := p.width(); {
	case r.column < 0 && w > 0 || len(p.columns) == 0:
		return p.Width - timeWidth - 2
	case w > 0:
		return w - 3
	case r.column < 0:
		return max(p.Width-timeWidth-2-2*len(p.columns), 10)
	}
	return max(p.Width-timeWidth-2-2*len(p.columns)-text.StringWidth(timeline.Visible(r.node))-1, 10)
}

// line returns one line of a row, without the time.
func (p *columnPrinter) line(r columnRow, words string, first bool) string {
	painted := p.paint(words, r.colors)
	w := p.width()
	if w > 0 && r.column < 0 || len(p.columns) == 0 {
		return painted
	}
	var b strings.Builder
	for c, at := range p.columns {
		glyph := p.lanes[at].glyph()
		switch {
		case w > 0 && c == r.column:
			if first && glyph == " " {
				glyph = "╵" // the node has stopped
			}
			b.WriteString(p.glyph(at, glyph) + " " + painted + strings.Repeat(" ", max(w-2-text.StringWidth(words), 0)))
		case w > 0:
			b.WriteString(p.glyph(at, glyph) + strings.Repeat(" ", w-1))
		case c == r.column && first:
			b.WriteString(p.paint("●", r.colors) + " ")
		default:
			b.WriteString(p.glyph(at, glyph) + " ")
		}
	}
	if w > 0 {
		return b.String()
	}
	if r.column >= 0 {
		name := timeline.Visible(r.node)
		if !first {
			name = strings.Repeat(" ", text.StringWidth(name))
		}
		b.WriteString(p.paint(name, text.Colors{text.Bold}) + " ")
	}
	return b.String() + painted
}

// glyph paints the line of a node.
func (p *columnPrinter) glyph(at int, glyph string) string {
	if p.lanes[at].leads {
		return p.paint(glyph, text.Colors{text.FgYellow})
	}
	return p.paint(glyph, styleDim)
}

// header prints the names of the nodes.
func (p *columnPrinter) header() {
	w := p.width()
	if w == 0 {
		return
	}
	var b strings.Builder
	for _, at := range p.columns {
		name := text.Trim(timeline.Visible(p.tl.Lanes[at].Name), w-1)
		b.WriteString(name + strings.Repeat(" ", w-text.StringWidth(name)))
	}
	fmt.Fprintln(p.out, strings.Repeat(" ", timeWidth+1)+p.paint(strings.TrimRight(b.String(), " "), text.Colors{text.Bold, text.Underline}))
	p.last = ""
}

// footer prints what was left out.
func (p *columnPrinter) footer() {
	words := fmt.Sprintf("%s of %s events", timeline.Count(int64(p.shown)), timeline.Count(int64(len(p.tl.Trace.Events))))
	delete(p.hidden, "-")
	reasons := slices.SortedFunc(maps.Keys(p.hidden), func(a, b string) int { return cmp.Or(cmp.Compare(p.hidden[b], p.hidden[a]), cmp.Compare(a, b)) })
	var counts []string
	for _, why := range reasons {
		counts = append(counts, timeline.Count(int64(p.hidden[why]))+" "+why)
	}
	if len(counts) > 0 {
		words += "; left out: " + strings.Join(counts, ", ")
	}
	fmt.Fprintln(p.out)
	for _, line := range wrapText(words, p.Width) {
		fmt.Fprintln(p.out, p.paint(line, styleDim))
	}
}

// wrapText breaks a text into lines of a width, between words if possible.
func wrapText(s string, width int) []string {
	var lines []string
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	line, used := indent, len(indent)
	for _, word := range strings.Fields(s) {
		n := text.StringWidth(word)
		if used > len(indent) && used+1+n <= width {
			line, used = line+" "+word, used+1+n
			continue
		}
		if used > len(indent) {
			lines = append(lines, line)
			line, used = indent, len(indent)
		}
		for _, r := range word {
			if w := text.RuneWidth(r); used+w > width {
				lines = append(lines, line)
				line, used = indent, len(indent)
			}
			line, used = line+string(r), used+text.RuneWidth(r)
		}
	}
	if used > len(indent) || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
