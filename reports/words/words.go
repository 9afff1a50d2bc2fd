// Package words says events of a run in a few words, for people: on a page, in a
// terminal, in the log of another tool.
//
// Names and errors stand in the words as they are in the trace; whoever shows them makes
// them harmless.
package words

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"dtsim/reports/story"
	"dtsim/sim/trace"
)

// Teller says events of one run in words. It is safe for concurrent use.
type Teller struct {
	story *story.Story
	// commits are by their places, calls by the places of their events, indexes by the
	// commits' places in the log.
	commits map[int]*story.Commit
	calls   map[int]*story.Call
	indexes map[string]*story.Commit
}

// New returns the teller of a run.
func New(s *story.Story) *Teller {
	t := &Teller{story: s, commits: make(map[int]*story.Commit), calls: make(map[int]*story.Call), indexes: make(map[string]*story.Commit)}
	for i := range s.Commits {
		c := &s.Commits[i]
		t.commits[c.Seq] = c
		t.indexes[strconv.FormatUint(c.Index, 10)] = c
	}
	for i := range s.Calls {
		c := &s.Calls[i]
		for _, seq := range []int{c.Called, c.Proposed, c.Returned} {
			if seq != 0 {
				t.calls[seq] = c
			}
		}
	}
	return t
}

// Task returns the task that an event is about, as NAMESPACE/ID; "" for none.
func (t *Teller) Task(e *trace.Event) string {
	name := func(namespace, id string) string {
		if id == "" {
			return ""
		}
		return namespace + "/" + id
	}
	switch {
	case t.commits[e.Seq] != nil:
		return name(t.commits[e.Seq].Namespace, t.commits[e.Seq].Task)
	case t.calls[e.Seq] != nil:
		return name(t.calls[e.Seq].Namespace, t.calls[e.Seq].Task)
	}
	return name(e.Str("namespace"), e.Str("task"))
}

// Command is a short name of a command of the log.
func Command(name string) string {
	name = strings.TrimPrefix(name, "DISTRIBUTED_TASK_")
	switch name {
	case "RECORD_PREPARATION_COMPLETE_ACK":
		return "preparation ack"
	case "RECORD_POST_COMPLETION_ACK":
		return "swap ack"
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "RECORD_"), "_", " "))
}

// Commit says a command of the log.
func (t *Teller) Commit(c *story.Commit) string {
	words := Command(c.Command)
	if strings.HasSuffix(words, " ack") {
		words += " of " + by(c)
	}
	if c.Outcome != "ok" {
		words += ", refused: " + c.Outcome
	} else if c.Duplicate {
		words += ", a duplicate"
	}
	return words
}

// by returns the node that an ack speaks for.
func by(c *story.Commit) string {
	var body struct {
		NodeID  string `json:"node_id"`
		Success bool   `json:"success"`
	}
	if json.Unmarshal([]byte(c.Body), &body) != nil {
		return "nobody knows whom"
	}
	if !body.Success {
		return body.NodeID + " (failed)"
	}
	return body.NodeID
}

// run says which run of a task an event is about.
func runOf(e *trace.Event) string {
	if e.Str("task") == "" {
		return ""
	}
	words := e.Str("namespace") + "/" + e.Str("task")
	if v := e.Int("version"); v != 0 {
		words += fmt.Sprintf("@%d", v)
	}
	return words
}

// Event says an event, without its time and its node.
func (t *Teller) Event(e *trace.Event) string {
	str := e.Str
	join := func(parts ...string) string {
		var said []string
		for _, p := range parts {
			if p != "" {
				said = append(said, p)
			}
		}
		return strings.Join(said, " ")
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
		return join(str("n"), "goroutines of the system wait for ever, one in", str("in"), "at", str("at"))
	case trace.NodeStarted:
		return fmt.Sprintf("starts, incarnation %d", e.Incarnation)
	case trace.NodeStopped:
		return "stops: " + str("how")
	case trace.NodePaused:
		return "is paused"
	case trace.NodeResumed:
		return "goes on"
	case trace.NodeLeft:
		return "leaves for good"
	case trace.FaultBegan:
		return join("fault", str("fault"), "begins:", str("what"), after("at ", str("moment")), after("of ", str("nodes")), after("from ", str("peer")))
	case trace.FaultBit:
		return join("fault", str("fault"), "bites:", str("what"), str("msg"), after("to ", str("to")))
	case trace.FaultEnded:
		return join("fault", str("fault"), "ends:", str("what"))
	case trace.Calm:
		return "all faults are over"
	case trace.NodeState:
		return fmt.Sprintf("is %s in term %s", str("state"), str("term"))
	case trace.LeaderSeen:
		return "leader is " + cmp.Or(str("leader"), "nobody")
	case trace.MessageSent:
		return join(str("msg"), "to", str("to"), t.entries(e))
	case trace.MessageLost:
		return join(str("msg"), "to", str("to"), "is lost:", str("why"))
	case trace.Committed:
		return join(str("index")+":", t.Commit(t.commits[e.Seq]), after("for ", t.Task(e)), after("on ", str("class")))
	case trace.Applied:
		if c := t.indexes[str("index")]; c != nil {
			return join("applies", str("index")+":", t.Commit(c))
		}
		return join("applies", str("index")+":", Command(str("command")))
	case trace.TaskChanged:
		if str("status") == "" {
			return join(runOf(e), "has no record")
		}
		unit := str("unit")
		if unit != "" {
			unit = fmt.Sprintf("(%s %s)", unit, strings.ToLower(str("unit_status")))
		}
		return join(runOf(e), "is", str("status"), unit, t.through(e.Seq))
	case trace.Called:
		return join("calls", str("do"), runOf(e), str("unit"), str("collection"), after("success=", str("success")), after("flawed: ", str("flaw")))
	case trace.Proposed:
		return join("asks as request", str("client")+"/"+str("seq"))
	case trace.Returned:
		about := ""
		if c := t.calls[e.Seq]; c != nil && c.Task != "" {
			about = "of " + c.Namespace + "/" + c.Task
		}
		return join("answer to", str("do"), about+":", str("outcome"), str("class"), str("error"))
	case trace.Listed:
		if str("tasks") == "1" {
			return "lists 1 task at " + str("index")
		}
		return join("lists", str("tasks"), "tasks at", str("index"))
	case trace.ListFailed:
		return "gets no list: " + str("error")
	case trace.RecoveryAsked:
		return join("is its part of", runOf(e), "done?", str("done"))
	case trace.CallbackStarted:
		return join(str("callback"), "of", runOf(e), "begins", after("for group ", str("group")))
	case trace.CallbackEnded:
		return join(str("callback"), "of", runOf(e), "ends", after("with ", str("error")))
	case trace.WorkStarted:
		return join("works on", str("unit"), "of", runOf(e))
	case trace.WorkEnded:
		return join("is done with", str("unit"), "of", runOf(e)+after(": ", str("outcome")))
	case trace.StartAsked:
		return "starts " + runOf(e)
	case trace.HandleStarted:
		return join("runs", runOf(e))
	case trace.HandleTerminated:
		return join("is told to stop", runOf(e))
	case trace.HandleExited:
		return join("has stopped", runOf(e))
	case trace.ShardChanged:
		serves := ""
		if str("property") != "" {
			serves = fmt.Sprintf("(%s=%s)", str("property"), str("tokenization"))
		}
		return join("shard", str("collection")+"/"+str("shard"), "is", str("why"), serves)
	case trace.SchemaChanged:
		return join("schema of", str("collection")+":", strings.ToLower(strings.ReplaceAll(str("change"), "_", " ")), str("property"), str("tokenization"))
	case trace.LocalStateRemoved:
		return "removes its state of " + runOf(e)
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

// through says which command a task was changed by, where that is not clear of itself.
func (t *Teller) through(seq int) string {
	for ; seq > 0; seq-- {
		if c := t.commits[seq]; c != nil {
			if strings.HasSuffix(c.Command, "_ACK") {
				return fmt.Sprintf("through %d, the %s", c.Index, t.Commit(c))
			}
			return fmt.Sprintf("through %d", c.Index)
		}
	}
	return ""
}

// entries says what an append carries.
func (t *Teller) entries(e *trace.Event) string {
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

// Shorten returns a text of at most so many characters.
func Shorten(s string, length int) string {
	runes := []rune(s)
	if len(runes) <= length {
		return s
	}
	return string(runes[:length-1]) + "…"
}
