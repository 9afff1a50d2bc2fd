package story

import (
	"encoding/json"

	"dtsim/sim/trace"
)

// request is what a command is found again by.
type request struct {
	client string
	seq    uint64
}

func requestOf(e *trace.Event) (request, bool) {
	r := request{e.Str("client"), uintOf(e, "seq")}
	return r, r != request{}
}

// about has the fields of all commands that say what they are about.
type about struct {
	Namespace string   `json:"namespace"`
	ID        string   `json:"id"`
	Version   uint64   `json:"version"`
	NodeID    string   `json:"node_id"`
	Success   bool     `json:"success"`
	Error     string   `json:"error"`
	UnitIDs   []string `json:"unit_ids"`
	UnitSpecs []*struct {
		ID string `json:"id"`
	} `json:"unit_specs"`

	Property     string `json:"property"`
	Tokenization string `json:"tokenization"`
	Migration    *struct {
		Version uint64 `json:"version"`
	} `json:"migration"`
	Properties map[string]string `json:"properties"`
	Tenants    json.RawMessage   `json:"tenants"`
}

// tellCommits tells the log.
func (s *Story) tellCommits() {
	at := make(map[uint64]int)
	for i := range s.Trace.Events {
		switch e := &s.Trace.Events[i]; e.Kind {
		case trace.Committed:
			_, duplicate := e.Get("first")
			c := Commit{
				Seq: e.Seq, Index: uintOf(e, "index"), Term: uintOf(e, "term"), Command: e.Str("command"),
				Class: e.Str("class"), Outcome: e.Str("outcome"), Duplicate: duplicate, Body: e.Str("body"),
			}
			b := read(c.Body)
			c.Namespace, c.Task = b.Namespace, b.ID
			at[c.Index] = len(s.Commits)
			s.Commits = append(s.Commits, c)
		case trace.Applied:
			if i, ok := at[uintOf(e, "index")]; ok {
				s.Commits[i].Applied = append(s.Commits[i].Applied, e.Seq)
			}
		}
	}
}

// read reads what a command is about; of one that nobody can read, nothing is known.
func read(body string) (b about) {
	if body != "" && json.Unmarshal([]byte(body), &b) != nil {
		return about{}
	}
	return b
}

// tellCalls tells operations from call to return.
func (s *Story) tellCalls() {
	open := make(map[int64]int)
	requests := make(map[request]int)
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		switch e.Kind {
		case trace.Called:
			r := runOf(e)
			_, version := e.Get("version")
			open[e.Int("op")] = len(s.Calls)
			s.Calls = append(s.Calls, Call{
				Op: e.Int("op"), Do: e.Str("do"), Node: e.Node, Namespace: r.namespace, Task: r.task, Version: r.version,
				Unit: e.Str("unit"), Called: e.Seq, ByOperator: !version, Resent: e.Bool("resent"),
			})
		case trace.Proposed:
			if i, ok := open[e.Int("op")]; ok {
				if c := &s.Calls[i]; c.Proposed == 0 {
					c.Proposed = e.Seq
				}
				if r, ok := requestOf(e); ok {
					requests[r] = i
				}
			}
		case trace.Committed:
			r, named := requestOf(e)
			if i, ok := requests[r]; ok && named && s.Calls[i].Committed == 0 {
				s.Calls[i].Committed = e.Seq
			}
		case trace.Returned:
			if i, ok := open[e.Int("op")]; ok {
				c := &s.Calls[i]
				c.Returned, c.Outcome, c.Class, c.Error = e.Seq, e.Str("outcome"), e.Str("class"), e.Str("error")
				delete(open, c.Op)
			}
		case trace.NodeStopped:
			for op, i := range open {
				if c := &s.Calls[i]; c.Node == e.Node && s.Event(c.Called).Incarnation == e.Incarnation {
					c.Outcome = "cut off"
					delete(open, op)
				}
			}
		}
	}
}
