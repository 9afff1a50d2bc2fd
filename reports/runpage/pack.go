package runpage

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"dtsim/models/explore/counterexample"
	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

// packed is a run as the page carries it: columns of numbers, texts by their numbers in
// one list. js/model.js reads it. Places and numbers of texts are from 1 where 0 says
// that there is none; times are in ns.
type packed struct {
	Texts []string `json:"texts"`
	Steps bool     `json:"steps"` // a run of the model checker: no times
	Lanes []lane   `json:"lanes"`
	Tasks []string `json:"tasks"`
	Calm  int      `json:"calm"`

	Groups []group `json:"groups"`
	Events events  `json:"events"`

	Messages map[string][]int64 `json:"messages"`
	Calls    map[string][]int64 `json:"calls"`
	Bars     map[string][]int64 `json:"bars"`
	Commits  map[string][]int64 `json:"commits"`
	Changes  map[string][]int64 `json:"changes"`
	Faults   []fault            `json:"faults"`

	Violations []violation `json:"violations"`
}

type lane struct {
	Name         string   `json:"name"`
	Incarnations [][4]int `json:"incarnations"` // from, until, number, how
	Pauses       [][2]int `json:"pauses"`
	Roles        [][4]int `json:"roles"` // from, until, state, term
}

// events are the columns of events. At has the differences. A shape says which fields a
// kind of events has: their keys, and whether they hold a text (1) or a number (0).
type events struct {
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

type fault struct {
	From   int    `json:"from"`
	Until  int    `json:"until"`
	Number int64  `json:"number"`
	What   string `json:"what"`
	Nodes  []int  `json:"nodes"` // lanes
	Bites  []int  `json:"bites"`
}

type violation struct {
	Property string   `json:"property"`
	Message  string   `json:"message"`
	At       int64    `json:"at"`
	Node     string   `json:"node"`
	Events   []int    `json:"events"`
	Explain  []int    `json:"explain"`
	Absent   []absent `json:"absent"`
}

type absent struct {
	What string `json:"what"`
	Lane int    `json:"lane"`
	Came int    `json:"came"`
}

// packer fills a packed.
type packer struct {
	*packed
	tl     *timeline.Timeline
	teller *teller
	texts  map[string]int
	tasks  map[string]int
}

// pack returns the run as base64 of gzip of JSON.
func pack(s *timeline.Timeline, violations []violation) (string, error) {
	p := &packer{packed: &packed{Texts: []string{""}, Tasks: []string{""}, Lanes: []lane{}, Groups: groups, Calm: s.Quiescence, Violations: violations},
		tl: s, teller: newTeller(s), texts: map[string]int{"": 0}, tasks: map[string]int{"": 0}}
	p.Steps = s.Trace.Header.Engine == counterexample.Engine
	p.lanes()
	p.events()
	p.others()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(p.packed); err != nil {
		return "", fmt.Errorf("runpage: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func (p *packer) text(s string) int { return number(s, &p.Texts, p.texts) }

func (p *packer) task(name string) int { return number(name, &p.Tasks, p.tasks) }

// number returns the place of a name in a list, to which it is added when it is new.
func number(name string, list *[]string, places map[string]int) int {
	n, ok := places[name]
	if !ok {
		n = len(*list)
		places[name] = n
		*list = append(*list, name)
	}
	return n
}

// lane returns the number of a node's lane from 1; 0 for the harness.
func (p *packer) lane(node string) int {
	if i, ok := p.tl.Lane(node); ok {
		return i + 1
	}
	return 0
}

func (p *packer) taskOf(namespace, id string) int {
	if id == "" {
		return 0
	}
	return p.task(namespace + "/" + id)
}

func (p *packer) lanes() {
	for _, l := range p.tl.Lanes {
		out := lane{Name: l.Name, Incarnations: [][4]int{}, Pauses: [][2]int{}, Roles: [][4]int{}}
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

func (p *packer) events() {
	all := p.tl.Trace.Events
	ev := &p.packed.Events
	shapes := make(map[string]int)
	var before int64
	for i := range all {
		e := &all[i]
		ev.At = append(ev.At, int64(e.At)-before)
		before = int64(e.At)
		ev.Node = append(ev.Node, p.lane(e.Node))
		ev.Inc = append(ev.Inc, e.Incarnation)
		ev.Kind = append(ev.Kind, p.text(string(e.Kind)))
		ev.Group = append(ev.Group, grouped(e))
		ev.Words = append(ev.Words, p.text(p.teller.Event(e)))
		ev.Task = append(ev.Task, p.task(p.teller.Task(e)))
		var shape []int
		for _, f := range e.Fields {
			number, ok := plain(f)
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

// plain returns the number in a field, where it is one that is exact in the page.
func plain(f trace.Field) (int64, bool) {
	n := f.Int()
	exact := n < 1<<53 && n > -1<<53
	return n, exact && f.Text() == strconv.FormatInt(n, 10) && f == trace.Int(f.Key, n)
}

// others packs what the story makes of the events.
func (p *packer) others() {
	s := p.tl
	number := func(of map[string][]int64, values map[string]int) {
		for key, v := range values {
			of[key] = append(of[key], int64(v))
		}
	}
	yes := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	p.Messages = columns("sent", "from", "to", "kind", "arrives", "seen", "lost", "lostAt", "disturbed", "again")
	for i := range s.Messages {
		m := &s.Messages[i]
		number(p.Messages, map[string]int{
			"sent": m.Sent, "from": p.lane(m.From), "to": p.lane(m.To), "kind": p.text(m.Kind), "seen": m.Received,
			"lost": p.text(m.Lost), "lostAt": m.LostAt, "disturbed": yes(len(m.Disturbed) > 0), "again": len(m.Duplicates),
		})
		arrives := int64(m.Arrives)
		p.Messages["arrives"] = append(p.Messages["arrives"], min(arrives, math.MaxInt32*int64(1e9)))
	}
	p.Calls = columns("called", "proposed", "committed", "returned", "lane", "do", "task", "outcome", "byOperator")
	for i := range s.Calls {
		c := &s.Calls[i]
		number(p.Calls, map[string]int{
			"called": c.Called, "proposed": c.Proposed, "committed": c.Committed, "returned": c.Returned, "lane": p.lane(c.Node),
			"do": p.text(c.Do), "task": p.taskOf(c.Namespace, c.Task), "outcome": p.text(c.Outcome), "byOperator": yes(c.ByOperator),
		})
	}
	p.Bars = columns("from", "until", "lane", "kind", "name", "task", "told", "outcome")
	for i := range s.Bars {
		b := &s.Bars[i]
		number(p.Bars, map[string]int{
			"from": b.From, "until": b.Until, "lane": p.lane(b.Node), "kind": p.text(b.Kind), "name": p.text(b.Name),
			"task": p.taskOf(b.Namespace, b.Task), "told": b.Terminated, "outcome": p.text(b.Outcome),
		})
	}
	p.Commits = columns("seq", "index", "term", "words", "task", "ok")
	for i := range s.Commits {
		c := &s.Commits[i]
		number(p.Commits, map[string]int{
			"seq": c.Seq, "index": int(c.Index), "term": int(c.Term), "words": p.text(p.teller.Commit(c)),
			"task": p.taskOf(c.Namespace, c.Task), "ok": yes(c.Outcome == "ok"),
		})
	}
	p.Changes = columns("seq", "part", "value")
	for _, c := range s.Changes {
		number(p.Changes, map[string]int{"seq": c.Seq, "part": p.text(c.Part), "value": p.text(c.Value)})
	}
	p.Faults = []fault{}
	for _, f := range s.Faults {
		out := fault{From: f.From, Until: f.Until, Number: f.Number, What: f.What, Nodes: []int{}, Bites: append([]int{}, f.Activations...)}
		for _, n := range f.Nodes {
			out.Nodes = append(out.Nodes, p.lane(n))
		}
		p.Faults = append(p.Faults, out)
	}
}

// columns makes columns, so that an empty one is there, too.
func columns(names ...string) map[string][]int64 {
	all := make(map[string][]int64)
	for _, n := range names {
		all[n] = []int64{}
	}
	return all
}
