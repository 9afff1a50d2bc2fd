package timeline

import (
	"encoding/json"

	"dtsim/sim/trace"
)

// request identifies a command across its events.
type request struct {
	client string
	seq    uint64
}

func requestOf(e *trace.Event) (request, bool) {
	r := request{e.Str("client"), uintOf(e, "seq")}
	return r, r != request{}
}

// commandBody has the fields of all commands that the timeline reads.
type commandBody struct {
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

// projectCommits projects the log.
func (tl *Timeline) projectCommits() {
	at := make(map[uint64]int)
	for i := range tl.Trace.Events {
		switch e := &tl.Trace.Events[i]; e.Kind {
		case trace.Committed:
			_, duplicate := e.Get("first")
			c := Commit{
				Seq: e.Seq, Index: uintOf(e, "index"), Term: uintOf(e, "term"), Command: e.Str("command"),
				Class: e.Str("class"), Outcome: e.Str("outcome"), Duplicate: duplicate, Body: e.Str("body"),
			}
			b := decodeBody(c.Body)
			c.Namespace, c.Task = b.Namespace, b.ID
			at[c.Index] = len(tl.Commits)
			tl.Commits = append(tl.Commits, c)
		case trace.Applied:
			if i, ok := at[uintOf(e, "index")]; ok {
				tl.Commits[i].Applied = append(tl.Commits[i].Applied, e.Seq)
			}
		}
	}
}

// decodeBody returns the body of a command; a zero one for a body that does not decode.
func decodeBody(body string) (b commandBody) {
	if body != "" && json.Unmarshal([]byte(body), &b) != nil {
		return commandBody{}
	}
	return b
}

// projectCalls projects operations from call to return.
func (tl *Timeline) projectCalls() {
	open := make(map[int64]int)
	requests := make(map[request]int)
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		switch e.Kind {
		case trace.Called:
			r := taskRunOf(e)
			_, version := e.Get("version")
			open[e.Int("op")] = len(tl.Calls)
			tl.Calls = append(tl.Calls, Call{
				Op: e.Int("op"), Do: e.Str("do"), Node: e.Node, Namespace: r.namespace, Task: r.task, Version: r.version,
				Unit: e.Str("unit"), Called: e.Seq, ByOperator: !version, Resent: e.Bool("resent"),
			})
		case trace.Proposed:
			if i, ok := open[e.Int("op")]; ok {
				if c := &tl.Calls[i]; c.Proposed == 0 {
					c.Proposed = e.Seq
				}
				if r, ok := requestOf(e); ok {
					requests[r] = i
				}
			}
		case trace.Committed:
			r, named := requestOf(e)
			if i, ok := requests[r]; ok && named && tl.Calls[i].Committed == 0 {
				tl.Calls[i].Committed = e.Seq
			}
		case trace.Returned:
			if i, ok := open[e.Int("op")]; ok {
				c := &tl.Calls[i]
				c.Returned, c.Outcome, c.Class, c.Error = e.Seq, e.Str("outcome"), e.Str("class"), e.Str("error")
				delete(open, c.Op)
			}
		case trace.NodeStopped:
			for op, i := range open {
				if c := &tl.Calls[i]; c.Node == e.Node && tl.Event(c.Called).Incarnation == e.Incarnation {
					c.Outcome = "cut off"
					delete(open, op)
				}
			}
		}
	}
}
