package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dtsim/sim/trace"
)

// Describer renders the events of one run as short texts: for a page, a terminal, or the
// log of another tool. Names and errors appear in them as in the trace; the caller escapes
// them for its output format. It is safe for concurrent use.
type Describer struct {
	// commits is keyed by sequence number, calls by the sequence numbers of their events,
	// indexes by log index.
	commits map[int]*Commit
	calls   map[int]*Call
	indexes map[string]*Commit
}

// Describer returns a describer of the run.
func (tl *Timeline) Describer() *Describer {
	d := &Describer{commits: make(map[int]*Commit), calls: make(map[int]*Call), indexes: make(map[string]*Commit)}
	for i := range tl.Commits {
		c := &tl.Commits[i]
		d.commits[c.Seq] = c
		d.indexes[strconv.FormatUint(c.Index, 10)] = c
	}
	for i := range tl.Calls {
		c := &tl.Calls[i]
		for _, seq := range []int{c.Called, c.Proposed, c.Returned} {
			if seq != 0 {
				d.calls[seq] = c
			}
		}
	}
	return d
}

// Task returns the task that an event is about, as NAMESPACE/ID; "" for none.
func (d *Describer) Task(e *trace.Event) string {
	name := func(namespace, id string) string {
		if id == "" {
			return ""
		}
		return namespace + "/" + id
	}
	switch {
	case d.commits[e.Seq] != nil:
		return name(d.commits[e.Seq].Namespace, d.commits[e.Seq].Task)
	case d.calls[e.Seq] != nil:
		return name(d.calls[e.Seq].Namespace, d.calls[e.Seq].Task)
	}
	return name(e.Str("namespace"), e.Str("task"))
}

// commandName returns a short name of a command of the log.
func commandName(name string) string {
	name = strings.TrimPrefix(name, "DISTRIBUTED_TASK_")
	switch name {
	case "RECORD_PREPARATION_COMPLETE_ACK":
		return "preparation ack"
	case "RECORD_POST_COMPLETION_ACK":
		return "swap ack"
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "RECORD_"), "_", " "))
}

// Commit describes a command of the log: its name, for an ack its node, and its rejection.
func (d *Describer) Commit(c *Commit) string {
	words := commandName(c.Command)
	if strings.HasSuffix(words, " ack") {
		words += " of " + ackedBy(c)
	}
	if c.Outcome != "ok" {
		words += ", refused: " + c.Outcome
	} else if c.Duplicate {
		words += ", a duplicate"
	}
	return words
}

// ackedBy returns the node of an ack.
func ackedBy(c *Commit) string {
	body := decodeBody(c.Body)
	switch {
	case body.NodeID == "":
		return "an unknown node"
	case !body.Success:
		return body.NodeID + " (failed)"
	}
	return body.NodeID
}

// runName returns the run of a task that an event is about, as NAMESPACE/ID@VERSION; ""
// for none.
func runName(e *trace.Event) string {
	if e.Str("task") == "" {
		return ""
	}
	words := e.Str("namespace") + "/" + e.Str("task")
	if v := e.Int("version"); v != 0 {
		words += fmt.Sprintf("@%d", v)
	}
	return words
}

// Event describes an event, without its time and its node.
func (d *Describer) Event(e *trace.Event) string {
	str := e.Str
	join := func(parts ...string) string {
		return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
	}
	after := func(word, what string) string {
		if what == "" {
			return ""
		}
		return word + what
	}
	switch e.Kind {
	case trace.RunStarted:
		return "the run begins"
	case trace.Inherited:
		return "every disk holds what a newer version has left, a snapshot up to index " + str("index")
	case trace.RunEnded:
		return "the run ends"
	case trace.Panicked:
		return join("the system panics in", str("in"), "at", str("at")+":", str("what"))
	case trace.LeftBehind:
		return join(str("n"), "goroutines of the system are left behind, one in", str("in"), "at", str("at"))
	case trace.NodeStarted:
		return fmt.Sprintf("starts, incarnation %d", e.Incarnation)
	case trace.NodeStopped:
		return "stops: " + str("how")
	case trace.NodePaused:
		return "is paused"
	case trace.NodeResumed:
		return "is resumed"
	case trace.NodeLeft:
		return "leaves for good"
	case trace.FaultBegan:
		return join("fault", str("fault"), "begins:", str("what"), after("at ", str("moment")), after("of ", str("nodes")), after("from ", str("peer")))
	case trace.FaultActivated:
		return join("fault", str("fault"), "activated:", str("what"), str("msg"), after("to ", str("to")))
	case trace.FaultEnded:
		return join("fault", str("fault"), "ends:", str("what"))
	case trace.Quiescence:
		return "quiescence: all faults are over"
	case trace.NodeState:
		return fmt.Sprintf("is %s in term %s", str("state"), str("term"))
	case trace.LeaderSeen:
		return "leader is " + cmp.Or(str("leader"), "unknown")
	case trace.MessageSent:
		return join(str("msg"), "to", str("to"), d.entries(e))
	case trace.MessageLost:
		return join(str("msg"), "to", str("to"), "is lost:", str("why"))
	case trace.Committed:
		return join(str("index")+":", d.Commit(d.commits[e.Seq]), after("for ", d.Task(e)), after("on ", str("class")))
	case trace.Applied:
		if c := d.indexes[str("index")]; c != nil {
			return join("applies", str("index")+":", d.Commit(c))
		}
		return join("applies", str("index")+":", commandName(str("command")))
	case trace.TaskChanged:
		if str("status") == "" {
			return join(runName(e), "has no record")
		}
		unit := str("unit")
		if unit != "" {
			unit = fmt.Sprintf("(%s %s)", unit, strings.ToLower(str("unit_status")))
		}
		return join(runName(e), "is", str("status"), unit, d.through(e.Seq))
	case trace.Called:
		return join("calls", str("do"), runName(e), str("unit"), str("collection"), after("success=", str("success")), after("flawed: ", str("flaw")))
	case trace.Proposed:
		return join("proposed as request", str("client")+"/"+str("seq"))
	case trace.Returned:
		about := ""
		if c := d.calls[e.Seq]; c != nil && c.Task != "" {
			about = "of " + c.Namespace + "/" + c.Task
		}
		return join("answer to", str("do"), about+":", str("outcome"), str("class"), str("error"))
	case trace.Listed:
		if str("tasks") == "1" {
			return "lists 1 task at " + str("index")
		}
		return join("lists", str("tasks"), "tasks at", str("index"))
	case trace.ListFailed:
		return "list failed: " + str("error")
	case trace.RecoveryAsked:
		return join("is its part of", runName(e), "done?", str("done"))
	case trace.CallbackStarted:
		return join(str("callback"), "of", runName(e), "begins", after("for group ", str("group")))
	case trace.CallbackEnded:
		return join(str("callback"), "of", runName(e), "ends", after("with ", str("error")))
	case trace.WorkStarted:
		return join("works on", str("unit"), "of", runName(e))
	case trace.WorkEnded:
		return join("is done with", str("unit"), "of", runName(e)+after(": ", str("outcome")))
	case trace.StartAsked:
		return "starts " + runName(e)
	case trace.HandleStarted:
		return join("runs", runName(e))
	case trace.HandleTerminated:
		return join("is asked to stop", runName(e))
	case trace.HandleExited:
		return join("has stopped", runName(e))
	case trace.ShardChanged:
		serves := ""
		if str("property") != "" {
			serves = fmt.Sprintf("(%s=%s)", str("property"), str("tokenization"))
		}
		return join("shard", str("collection")+"/"+str("shard"), "is", str("why"), serves)
	case trace.SchemaChanged:
		return join("schema of", str("collection")+":", strings.ToLower(strings.ReplaceAll(str("change"), "_", " ")), str("property"), str("tokenization"))
	case trace.LocalStateRemoved:
		return "removes its state of " + runName(e)
	case trace.Explored:
		return "the model checker begins with " + cmp.Or(str("config"), str("settings"))
	case trace.Step:
		return join(str("n")+".", str("what"))
	case trace.FileWritten, trace.FileRemoved:
		return join(strings.TrimPrefix(string(e.Kind), "file-"), str("file"))
	case trace.FileRenamed:
		return join("renamed", str("file"), "to", str("to"))
	}
	var fields []string
	for _, f := range e.Fields {
		fields = append(fields, f.Key+"="+Shorten(f.Text(), 40))
	}
	return join(strings.ReplaceAll(string(e.Kind), "-", " "), strings.Join(fields, " "))
}

// through describes the command that the task-changed event seq belongs to.
func (d *Describer) through(seq int) string {
	for ; seq > 0; seq-- {
		if c := d.commits[seq]; c != nil {
			if strings.HasSuffix(c.Command, "_ACK") {
				return fmt.Sprintf("through %d, the %s", c.Index, d.Commit(c))
			}
			return fmt.Sprintf("through %d", c.Index)
		}
	}
	return ""
}

// entries describes the log entries that an append carries.
func (d *Describer) entries(e *trace.Event) string {
	n := e.Int("entries")
	if n == 0 {
		return ""
	}
	first := e.Int("prev") + 1
	if n == 1 {
		return fmt.Sprintf("with %d", first)
	}
	return fmt.Sprintf("with %d to %d", first, first+n-1)
}
