package html

import (
	"fmt"
	"html/template"
	"slices"
	"sort"
	"strings"
	"time"

	"dtsim/reports/timeline"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// A thumbnail is a space-time diagram of what led to the first violation of a run: a lane a
// node, and between the events that explain it everything folded to the same width. The page of
// the run has the whole diagram.
const (
	thumbW, thumbLeft, thumbRight = 320.0, 26.0, 8.0
	thumbTop, thumbLane           = 12.0, 24.0 // of a lane, at least
	thumbLeast                    = 108.0      // of the picture, at least
	// thumbMessages is the maximum number of messages.
	thumbMessages = 40
)

// Thumbnail returns a small picture of a run, of the whole run if nothing is violated; empty for
// a run without nodes.
func Thumbnail(tl *timeline.Timeline) template.HTML {
	if len(tl.Trace.Events) == 0 || len(tl.Lanes) == 0 {
		return ""
	}
	t := newThumbnail(tl)
	t.faults()
	t.lanes()
	t.messages()
	t.bars()
	t.facts()
	h := coordinate(t.height)
	return template.HTML(fmt.Sprintf(`<svg class="thumbnail" viewBox="0 0 320 %s" role="img" aria-label="%s">%s</svg>`,
		h, template.HTMLEscapeString(timeline.Visible(t.label())), t.b.String()))
}

type thumbnail struct {
	*timeline.Timeline
	b            strings.Builder
	height, each float64 // each lane
	// stops are the events that explain, in order; the distance between two of them is the same.
	stops []int
	bad   *trace.Violation
	lane  map[string]int
}

func newThumbnail(tl *timeline.Timeline) *thumbnail {
	lanes := float64(max(1, len(tl.Lanes)))
	t := &thumbnail{Timeline: tl, lane: map[string]int{}, each: max(thumbLane, (thumbLeast-thumbTop)/lanes)}
	t.height = thumbTop + t.each*lanes
	for i, l := range tl.Lanes {
		t.lane[l.Name] = i
	}
	if all := byRelevance(tl.Trace.Footer.Verdict.Violations); len(all) > 0 {
		t.bad = &all[0]
		t.stops = tl.Explain(*t.bad)
	}
	if len(t.stops) < 2 {
		t.stops = []int{1, len(tl.Trace.Events)}
	}
	return t
}

// x returns the position of an event: between the first and the last stop, or at an edge.
func (t *thumbnail) x(seq int) float64 {
	i, found := slices.BinarySearch(t.stops, seq)
	left, right := thumbLeft+10, thumbW-thumbRight-12
	step := (right - left) / float64(len(t.stops)-1)
	switch {
	case found:
		return left + float64(i)*step
	case i == 0:
		return thumbLeft
	case i == len(t.stops):
		return thumbW - thumbRight
	}
	from, to := t.stops[i-1], t.stops[i]
	return left + step*(float64(i-1)+float64(seq-from)/float64(to-from))
}

// until returns the end of a span; an open one ends after the last event.
func (t *thumbnail) until(seq int) int {
	if seq == 0 {
		return len(t.Trace.Events) + 1
	}
	return seq
}

// seen reports whether a span overlaps the stops.
func (t *thumbnail) seen(from, until int) bool {
	return from <= t.stops[len(t.stops)-1] && until >= t.stops[0]
}

func (t *thumbnail) y(node string) (float64, bool) {
	i, ok := t.lane[node]
	return thumbTop + t.each*(float64(i)+0.5) - 4, ok
}

func (t *thumbnail) rect(class string, x1, x2, y, h float64) {
	fmt.Fprintf(&t.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="1.5"/>`, class, coordinate(x1), coordinate(y), coordinate(max(1.5, x2-x1)), coordinate(h))
}

func (t *thumbnail) segment(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&t.b, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2))
}

// faults shades the spans of faults.
func (t *thumbnail) faults() {
	for _, f := range t.Faults {
		until := t.until(f.Until)
		if !t.seen(f.From, until) {
			continue
		}
		if len(f.Nodes) == 0 {
			t.rect("fault", t.x(f.From), t.x(until), 4, t.height-8)
		}
		for _, node := range f.Nodes {
			if y, ok := t.y(node); ok {
				t.rect("fault", t.x(f.From), t.x(until), y-9, 18)
			}
		}
	}
}

// lanes draws incarnations, pauses and leadership.
func (t *thumbnail) lanes() {
	for _, l := range t.Lanes {
		y, _ := t.y(l.Name)
		fmt.Fprintf(&t.b, `<text class="name" x="4" y="%s">%s</text>`, coordinate(y+3.5), template.HTMLEscapeString(timeline.Visible(timeline.Shorten(l.Name, 4))))
		t.segment("down", thumbLeft, y, thumbW-thumbRight, y)
		if len(l.Incarnations) == 0 { // a model without a cluster
			t.segment("life", thumbLeft, y, thumbW-thumbRight, y)
		}
		for _, life := range l.Incarnations {
			if until := t.until(life.Until); t.seen(life.From, until) {
				t.segment("life", t.x(life.From), y, t.x(until), y)
				if life.How == event.Crash {
					t.cross("crash", t.x(until), y)
				}
			}
		}
		for _, r := range l.Roles {
			if until := t.until(r.Until); r.State == event.Leader && t.seen(r.From, until) {
				t.segment("lead", t.x(r.From), y, t.x(until), y)
			}
		}
		for _, p := range l.Pauses {
			if until := t.until(p.Until); t.seen(p.From, until) {
				t.segment("pause", t.x(p.From), y, t.x(until), y)
			}
		}
	}
}

func (t *thumbnail) cross(class string, x, y float64) {
	fmt.Fprintf(&t.b, `<path class="%s" d="M%s %sl6 6m0-6l-6 6"/>`, class, coordinate(x-3), coordinate(y-3))
}

// messages draws the last of the messages that carry log entries or a request.
func (t *thumbnail) messages() {
	var picked []*timeline.Message
	for i := range t.Messages {
		m := &t.Messages[i]
		if m.Sent < t.stops[0] || m.Sent > t.stops[len(t.stops)-1] || strings.HasSuffix(m.Kind, "-reply") {
			continue
		}
		if b, sent := t.Event(m.Sent).Body.(*event.MessageSent); sent && b.Entries.Set && b.Entries.Value == 0 {
			continue
		}
		picked = append(picked, m)
	}
	for _, m := range picked[max(0, len(picked)-thumbMessages):] {
		y1, ok1 := t.y(m.From)
		y2, ok2 := t.y(m.To)
		if !ok1 || !ok2 {
			continue
		}
		x1 := t.x(m.Sent)
		if m.Lost != "" {
			x2 := x1 + (t.x(t.after(m.Arrives))-x1)/2
			t.segment("message", x1, y1, x2, y1+(y2-y1)*0.6)
			t.cross("lost", x2, y1+(y2-y1)*0.6)
			continue
		}
		t.segment("message", x1, y1, t.x(t.after(m.Arrives)), y2)
	}
}

// after returns the first event at a time or later.
func (t *thumbnail) after(at time.Duration) int {
	return 1 + sort.Search(len(t.Trace.Events), func(i int) bool { return t.Trace.Events[i].At >= at })
}

// bars draws callbacks.
func (t *thumbnail) bars() {
	for _, b := range t.Bars {
		if b.Kind != "callback" {
			continue
		}
		y, ok := t.y(b.Node)
		if until := t.until(b.Until); ok && t.seen(b.From, until) {
			t.rect("callback", t.x(b.From), max(t.x(b.From)+3, t.x(until)), y-5, 10)
		}
	}
}

// facts marks the events that explain, those of the violation, and its place.
func (t *thumbnail) facts() {
	last := 0
	for _, seq := range t.stops {
		e := t.Event(seq)
		y, ok := t.y(e.Node)
		if !ok || t.bad == nil {
			continue
		}
		class, r := "why", 2.2
		if slices.Contains(t.bad.Events, seq) {
			class, r, last = "fact", 3.6, max(last, seq)
		}
		fmt.Fprintf(&t.b, `<circle class="%s" cx="%s" cy="%s" r="%s"/>`, class, coordinate(t.x(seq)), coordinate(y), coordinate(r))
	}
	if t.bad == nil {
		return
	}
	if last == 0 {
		last = t.stops[len(t.stops)-1]
	}
	x := t.x(last)
	t.segment("here", x, 2, x, t.height-2)
}

// label describes the picture.
func (t *thumbnail) label() string {
	if t.bad == nil {
		return fmt.Sprintf("A run of %d nodes.", len(t.Lanes))
	}
	words := fmt.Sprintf("Space-time picture of what led to %s: %s of %d nodes", t.bad.Property, plural(len(t.stops), "event"), len(t.Lanes))
	if t.bad.Node != "" {
		words += ", seen on " + t.bad.Node
	}
	return words + "."
}
