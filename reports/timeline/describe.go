package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Describer renders the events of one run as short texts: for a page, a terminal, or the
// log of another tool. Names and errors appear in them as in the trace; the caller escapes
// them for its output format. It is safe for concurrent use.
type Describer struct {
	// commits is keyed by sequence number, calls by the sequence numbers of their events,
	// indexes by log index.
	commits map[int]*Commit
	calls   map[int]*Call
	indexes map[uint64]*Commit
}

// Describer returns a describer of the run.
func (tl *Timeline) Describer() *Describer {
	d := &Describer{commits: make(map[int]*Commit), calls: make(map[int]*Call), indexes: make(map[uint64]*Commit)}
	for i := range tl.Commits {
		c := &tl.Commits[i]
		d.commits[c.Seq] = c
		d.indexes[c.Index] = c
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
	key := taskOf(taskevent.Of(e))
	if c := d.commits[e.Seq]; c != nil {
		key = c.Run().Key()
	} else if c := d.calls[e.Seq]; c != nil {
		key = c.Run.Key()
	}
	if key.Task == "" {
		return ""
	}
	return key.Namespace + "/" + key.Task
}

// commandName returns a short name of a command of the log.
func commandName(name string) string {
	switch name {
	case taskevent.CommandPreparationAck:
		return "preparation ack"
	case taskevent.CommandPostAck:
		return "swap ack"
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "DISTRIBUTED_TASK_"), "RECORD_")
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// Commit describes a command of the log: its name, for an ack its node, and its rejection.
func (d *Describer) Commit(c *Commit) string {
	words := commandName(c.Name)
	if c.isAck() {
		words += " of " + cmp.Or(c.NodeID, "an unknown node")
		if c.NodeID != "" && !c.Success {
			words += " (failed)"
		}
	}
	if c.Outcome != event.Accepted {
		words += ", refused: " + c.Outcome
	} else if c.Duplicate {
		words += ", a duplicate"
	}
	return words
}

// runName returns a run as NAMESPACE/ID@VERSION, without a version of 0; "" for none.
func runName(r taskevent.Run) string {
	switch {
	case r.Task == "":
		return ""
	case r.Version == 0:
		return r.Namespace + "/" + r.Task
	}
	return r.String()
}

// joinWords joins the texts that are not empty.
func joinWords(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// after returns a text behind a word, "" without a text.
func after(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

// Event describes an event, without its time and its node.
func (d *Describer) Event(e *trace.Event) string {
	switch b := taskevent.Of(e).(type) {
	case *event.RunStarted:
		return "the run begins"
	case *event.Inherited:
		return fmt.Sprintf("every disk holds what a newer version has left, a snapshot up to index %d", b.Index)
	case *event.RunEnded:
		return "the run ends"
	case *event.Panicked:
		return joinWords("the system panics in", b.In, "at", b.At+":", b.What)
	case *event.LeftBehind:
		return joinWords(strconv.FormatInt(b.N, 10), "goroutines of the system are left behind, one in", b.In, "at", b.At)
	case *event.NodeStarted:
		return fmt.Sprintf("starts, incarnation %d", e.Incarnation)
	case *event.NodeStopped:
		return "stops: " + b.How
	case *event.NodePaused:
		return "is paused"
	case *event.NodeResumed:
		return "is resumed"
	case *event.Stalled:
		return fmt.Sprintf("is held up for %s in %s, the thread that began with %s", b.For, b.At, b.Thread)
	case *event.NodeLeft:
		return "leaves for good"
	case *event.Configured:
		return joinWords(fmt.Sprintf("has in its log, at index %d, that the voters are %s", b.Index, b.Voters), after("and that the log is sent to ", b.Others))
	case *event.DiskEmptied:
		return "has an empty disk, but for the files of the application"
	case *event.Recovered:
		return fmt.Sprintf("is made a cluster of one node, with all that stands in its log up to index %d", b.Index)
	case *event.FaultBegan:
		return joinWords(fmt.Sprintf("fault %d begins:", b.Index), b.What, after("at ", b.Moment), after("of ", b.Nodes), after("from ", b.Peer))
	case *event.FaultActivated:
		m, w, c := b.Disturbance().Message, b.Write(), b.Change()
		left := ""
		if w.Of > 0 {
			left = fmt.Sprintf("(%d of %d left)", w.Left, w.Of)
		}
		return joinWords(fmt.Sprintf("fault %d activated:", b.Index), b.What, m.Msg, after("to ", m.To), w.Op, w.Name, left, c.What)
	case *event.FaultEnded:
		return joinWords(fmt.Sprintf("fault %d ends:", b.Index), b.What)
	case *event.Quiescence:
		return "quiescence: all faults are over"
	case *event.NodeState:
		return fmt.Sprintf("is %s in term %d", b.State, b.Term)
	case *event.LeaderSeen:
		return "leader is " + cmp.Or(b.Leader, "unknown")
	case *event.MessageSent:
		return joinWords(b.Msg, "to", b.To, entries(b))
	case *event.MessageLost:
		return joinWords(b.Msg, "to", b.To, "is lost:", b.Why)
	case *event.Committed:
		return joinWords(fmt.Sprintf("%d:", b.Index), d.Commit(d.commits[e.Seq]), after("for ", d.Task(e)), after("on ", b.Class))
	case *event.Applied:
		if c := d.indexes[b.Index]; c != nil {
			return fmt.Sprintf("applies %d: %s", b.Index, d.Commit(c))
		}
		return joinWords(fmt.Sprintf("applies %d:", b.Index), commandName(b.Command))
	case *taskevent.TaskChanged:
		if b.Status == taskevent.Absent {
			return joinWords(runName(b.Run), "has no record")
		}
		unit := ""
		if b.Unit != "" {
			unit = fmt.Sprintf("(%s %s)", b.Unit, strings.ToLower(string(b.UnitStatus)))
		}
		return joinWords(runName(b.Run), "is", string(b.Status), unit, d.through(e.Seq))
	case *event.StoresOpened:
		return fmt.Sprintf("its disk holds term %d, %d entries of the log up to %d and a snapshot up to %d", b.Term, b.Entries, b.Last, b.Snapshot)
	case *event.LogStored:
		return "stores " + indexes(b.First, b.Last())
	case *event.LogDeleted:
		return "deletes " + indexes(b.From, b.To)
	case *event.StableStored:
		if b.N.Set {
			return fmt.Sprintf("stores %s %d", b.Key, b.N.Value)
		}
		return joinWords("stores", b.Key, b.Text)
	case *event.Called:
		c := taskevent.CallOf(b)
		success := ""
		if c.Success.Set {
			success = fmt.Sprintf("success=%t", c.Success.Value)
		}
		return joinWords("calls", b.Do, runName(c.Run()), c.Unit, c.Collection, success, after("flawed: ", c.Flaw))
	case *event.Proposed:
		return "proposed as request " + b.Request.String()
	case *event.Returned:
		about := ""
		if c := d.calls[e.Seq]; c != nil && c.Run.Task != "" {
			about = "of " + c.Run.Namespace + "/" + c.Run.Task
		}
		return joinWords("answer to", b.Do, about+":", b.Outcome, b.Class, b.Error)
	case *taskevent.Listed:
		if b.Count == 1 {
			return fmt.Sprintf("lists 1 task at %d", b.Index)
		}
		return fmt.Sprintf("lists %d tasks at %d", b.Count, b.Index)
	case *taskevent.ListFailed:
		return "list failed: " + b.Error
	case *taskevent.RecoveryAsked:
		return joinWords("is its part of", runName(b.Run), "done?", strconv.FormatBool(b.Done))
	case *taskevent.CallbackStarted:
		return joinWords(b.Name, "of", runName(b.Run), "begins", after("for group ", b.Group))
	case *taskevent.CallbackEnded:
		return joinWords(b.Name, "of", runName(b.Run), "ends", after("with ", b.Error))
	case *taskevent.WorkStarted:
		return joinWords("works on", b.Unit, "of", runName(b.Run))
	case *taskevent.WorkProgressed:
		return joinWords("has got on with", b.Unit, "of", runName(b.Run))
	case *taskevent.WorkEnded:
		return joinWords("is done with", b.Unit, "of", runName(b.Run)+after(": ", b.Outcome))
	case *taskevent.StartAsked:
		return "starts " + runName(b.Run)
	case *taskevent.HandleStarted:
		return joinWords("runs", runName(b.Run))
	case *taskevent.HandleTerminated:
		return joinWords("is asked to stop", runName(b.Run))
	case *taskevent.HandleExited:
		return joinWords("has stopped", runName(b.Run))
	case *taskevent.ShardChanged:
		serves := ""
		if b.Property != "" {
			serves = fmt.Sprintf("(%s=%s)", b.Property, b.Tokenization)
		}
		return joinWords("shard", b.Collection+"/"+b.Shard, "is", b.Why, serves)
	case *taskevent.SchemaChanged:
		return joinWords("schema of", b.Collection+":", strings.ToLower(strings.ReplaceAll(b.Change, "_", " ")), b.Property, b.Tokenization)
	case *taskevent.LocalStateRemoved:
		return "removes its state of " + runName(b.Run)
	case *event.Explored:
		return "the model checker begins with " + cmp.Or(b.Config, b.Settings)
	case *event.Step:
		return joinWords(fmt.Sprintf("%d.", b.N), b.What)
	case *event.FileWritten:
		return "written " + b.File
	case *event.FileRemoved:
		return "removed " + b.File
	case *event.FileRenamed:
		return joinWords("renamed", b.File, "to", b.To)
	}
	var fields []string
	for _, f := range e.Fields {
		fields = append(fields, f.Key+"="+Shorten(f.Text(), 40))
	}
	return joinWords(strings.ReplaceAll(string(e.Kind), "-", " "), strings.Join(fields, " "))
}

// through describes the command that the task-changed event seq belongs to.
func (d *Describer) through(seq int) string {
	for ; seq > 0; seq-- {
		if c := d.commits[seq]; c != nil {
			if c.isAck() {
				return fmt.Sprintf("through %d, the %s", c.Index, d.Commit(c))
			}
			return fmt.Sprintf("through %d", c.Index)
		}
	}
	return ""
}

// entries describes the log entries that an append carries.
func entries(b *event.MessageSent) string {
	if b.Entries.Value == 0 {
		return ""
	}
	return "with " + indexes(b.Prev.Value+1, b.Prev.Value+uint64(b.Entries.Value))
}

// indexes describes entries of the log without a gap.
func indexes(first, last uint64) string {
	if first == last {
		return strconv.FormatUint(first, 10)
	}
	return fmt.Sprintf("%d to %d", first, last)
}
