package html

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"dtsim/reports/timeline"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// packedRun is a run as the page carries it: columns of numbers, and texts by their numbers
// in one list. run/model.js reads it. Sequence numbers and numbers of texts are from 1, 0 is
// none; times are in ns.
type packedRun struct {
	Texts      []string     `json:"texts"`
	Steps      bool         `json:"steps"` // a run of the model checker: no times
	Lanes      []packedLane `json:"lanes"`
	Tasks      []string     `json:"tasks"`
	Quiescence int          `json:"quiescence"`

	Groups []kindGroup  `json:"groups"`
	Events packedEvents `json:"events"`

	Messages map[string][]int64 `json:"messages"`
	Calls    map[string][]int64 `json:"calls"`
	Bars     map[string][]int64 `json:"bars"`
	Commits  map[string][]int64 `json:"commits"`
	Changes  map[string][]int64 `json:"changes"`
	Faults   []packedFault      `json:"faults"`

	Violations []packedViolation `json:"violations"`
}

type packedLane struct {
	Name         string   `json:"name"`
	Incarnations [][4]int `json:"incarnations"` // from, until, number, how
	Pauses       [][2]int `json:"pauses"`
	Roles        [][4]int `json:"roles"` // from, until, state, term
}

// packedEvents are the columns of events. At has the differences. A shape lists the fields of
// an event: their keys, and whether they hold a text (1) or a number (0).
type packedEvents struct {
	At     []int64 `json:"at"`
	Node   []int   `json:"node"`
	Inc    []int   `json:"inc"`
	Kind   []int   `json:"kind"`
	Group  []int   `json:"group"`
	Words  []int   `json:"words"`
	Task   []int   `json:"task"`
	Shape  []int   `json:"shape"`
	Shapes [][]int `json:"shapes"` // key, type, key, type, ...
	Values []int64 `json:"values"`
}

type packedFault struct {
	From        int    `json:"from"`
	Until       int    `json:"until"`
	Number      int64  `json:"number"`
	What        string `json:"what"`
	Nodes       []int  `json:"nodes"` // lanes
	Activations []int  `json:"activations"`
}

type packedViolation struct {
	Property string          `json:"property"`
	Message  string          `json:"message"`
	At       int64           `json:"at"`
	Node     string          `json:"node"`
	Events   []int           `json:"events"`
	Explain  []int           `json:"explain"`
	Absent   []packedAbsence `json:"absent"`
}

type packedAbsence struct {
	What string `json:"what"`
	Lane int    `json:"lane"`
	Came int    `json:"came"`
}

// runPacker fills a packedRun.
type runPacker struct {
	*packedRun
	run   *runPage
	tl    *timeline.Timeline
	texts map[string]int
	tasks map[string]int
}

// packRun returns the run as base64 of gzip of JSON.
func packRun(r *runPage, violations []packedViolation) (string, error) {
	p := &runPacker{
		packedRun: &packedRun{
			Texts: []string{""}, Steps: r.steps, Lanes: []packedLane{}, Tasks: []string{""}, Quiescence: r.tl.Quiescence, Groups: kindGroups, Violations: violations,
		},
		run: r, tl: r.tl, texts: map[string]int{"": 0}, tasks: map[string]int{"": 0},
	}
	p.lanes()
	p.events()
	p.others()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(p.packedRun); err != nil {
		return "", fmt.Errorf("html: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func (p *runPacker) text(s string) int { return intern(s, &p.Texts, p.texts) }

func (p *runPacker) task(name string) int { return intern(name, &p.Tasks, p.tasks) }

// intern returns the index of a name in a list, to which it appends a new one.
func intern(name string, list *[]string, indexes map[string]int) int {
	n, ok := indexes[name]
	if !ok {
		n = len(*list)
		indexes[name] = n
		*list = append(*list, name)
	}
	return n
}

// lane returns the number of a node's lane, from 1; 0 for the harness.
func (p *runPacker) lane(node string) int {
	if i, ok := p.tl.Lane(node); ok {
		return i + 1
	}
	return 0
}

func (p *runPacker) taskOf(r taskevent.Run) int {
	if r.Task == "" {
		return 0
	}
	return p.task(r.Namespace + "/" + r.Task)
}

func (p *runPacker) lanes() {
	for _, l := range p.tl.Lanes {
		out := packedLane{Name: l.Name, Incarnations: [][4]int{}, Pauses: [][2]int{}, Roles: [][4]int{}}
		for _, i := range l.Incarnations {
			out.Incarnations = append(out.Incarnations, [4]int{i.From, i.Until, i.Number, p.text(i.How)})
		}
		for _, s := range l.Pauses {
			out.Pauses = append(out.Pauses, [2]int{s.From, s.Until})
		}
		for _, r := range l.Roles {
			out.Roles = append(out.Roles, [4]int{r.From, r.Until, p.text(r.State), int(r.Term)})
		}
		p.Lanes = append(p.Lanes, out)
	}
}

func (p *runPacker) events() {
	all := p.tl.Trace.Events
	ev := &p.packedRun.Events
	shapes := make(map[string]int)
	var before int64
	for i := range all {
		e := &all[i]
		ev.At = append(ev.At, int64(e.At)-before)
		before = int64(e.At)
		ev.Node = append(ev.Node, p.lane(e.Node))
		ev.Inc = append(ev.Inc, e.Incarnation)
		ev.Kind = append(ev.Kind, p.text(string(e.Kind)))
		ev.Group = append(ev.Group, groupIndex(e))
		ev.Words = append(ev.Words, p.text(p.run.Event(e)))
		ev.Task = append(ev.Task, p.task(p.run.Task(e)))
		var shape []int
		for _, f := range e.Fields {
			number, ok := exactNumber(f)
			if ok {
				shape = append(shape, p.text(f.Key), 0)
				ev.Values = append(ev.Values, number)
			} else {
				shape = append(shape, p.text(f.Key), 1)
				ev.Values = append(ev.Values, int64(p.text(f.Text())))
			}
		}
		key := fmt.Sprint(shape)
		n, ok := shapes[key]
		if !ok {
			n = len(ev.Shapes)
			shapes[key] = n
			ev.Shapes = append(ev.Shapes, append([]int{}, shape...))
		}
		ev.Shape = append(ev.Shape, n)
	}
}

// exactNumber returns the number in a field, if JavaScript has it exactly.
func exactNumber(f trace.Field) (int64, bool) {
	n := f.Int()
	exact := n < 1<<53 && n > -1<<53
	return n, exact && f.Text() == strconv.FormatInt(n, 10) && f == trace.Int(f.Key, n)
}

// others packs what the timeline has beside the events.
func (p *runPacker) others() {
	s := p.tl
	number := func(of map[string][]int64, values map[string]int) {
		for key, v := range values {
			of[key] = append(of[key], int64(v))
		}
	}
	p.Messages = emptyColumns("sent", "from", "to", "kind", "arrives", "received", "lost", "lostAt", "disturbed", "duplicates")
	for i := range s.Messages {
		m := &s.Messages[i]
		number(p.Messages, map[string]int{
			"sent": m.Sent, "from": p.lane(m.From), "to": p.lane(m.To), "kind": p.text(m.Kind), "received": m.Received,
			"lost": p.text(m.Lost), "lostAt": m.LostAt, "disturbed": toInt(len(m.Disturbed) > 0), "duplicates": len(m.Duplicates),
		})
		arrives := int64(m.Arrives)
		p.Messages["arrives"] = append(p.Messages["arrives"], min(arrives, math.MaxInt32*int64(1e9)))
	}
	p.Calls = emptyColumns("called", "proposed", "committed", "returned", "lane", "do", "task", "outcome", "byOperator")
	for i := range s.Calls {
		c := &s.Calls[i]
		number(p.Calls, map[string]int{
			"called": c.Called, "proposed": c.Proposed, "committed": c.Committed, "returned": c.Returned, "lane": p.lane(c.Node),
			"do": p.text(c.Do), "task": p.taskOf(c.Run), "outcome": p.text(c.Outcome), "byOperator": toInt(c.ByOperator),
		})
	}
	p.Bars = emptyColumns("from", "until", "lane", "kind", "name", "task", "terminated", "outcome")
	for i := range s.Bars {
		b := &s.Bars[i]
		number(p.Bars, map[string]int{
			"from": b.From, "until": b.Until, "lane": p.lane(b.Node), "kind": p.text(b.Kind), "name": p.text(b.Name),
			"task": p.taskOf(b.Run), "terminated": b.Terminated, "outcome": p.text(b.Outcome),
		})
	}
	p.Commits = emptyColumns("seq", "index", "term", "words", "task", "ok")
	for i := range s.Commits {
		c := &s.Commits[i]
		number(p.Commits, map[string]int{
			"seq": c.Seq, "index": int(c.Index), "term": int(c.Term), "words": p.text(p.run.Commit(c)),
			"task": p.taskOf(c.Run()), "ok": toInt(c.Outcome == event.Accepted),
		})
	}
	p.Changes = emptyColumns("seq", "part", "value")
	for _, c := range s.Changes {
		number(p.Changes, map[string]int{"seq": c.Seq, "part": p.text(c.Part), "value": p.text(c.Value)})
	}
	p.Faults = []packedFault{}
	for _, f := range s.Faults {
		out := packedFault{From: f.From, Until: f.Until, Number: f.Number, What: f.What, Nodes: []int{}, Activations: append([]int{}, f.Activations...)}
		for _, n := range f.Nodes {
			out.Nodes = append(out.Nodes, p.lane(n))
		}
		p.Faults = append(p.Faults, out)
	}
}

// emptyColumns returns named columns; JSON has an empty column, too.
func emptyColumns(names ...string) map[string][]int64 {
	all := make(map[string][]int64)
	for _, n := range names {
		all[n] = []int64{}
	}
	return all
}

// packViolation returns a violation as the page carries it.
func packViolation(tl *timeline.Timeline, v trace.Violation, explain []int, absences []timeline.Absence) packedViolation {
	out := packedViolation{
		Property: v.Property, Message: timeline.Visible(v.Message), At: int64(v.At), Node: v.Node,
		Events: append([]int{}, v.Events...), Explain: append([]int{}, explain...), Absent: []packedAbsence{},
	}
	for _, a := range absences {
		if i, ok := tl.Lane(a.Node); ok {
			out.Absent = append(out.Absent, packedAbsence{What: a.What, Lane: i + 1, Came: a.Came})
		}
	}
	return out
}
