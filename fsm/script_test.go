package fsm

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestScripts plays the stories in testdata. A line is a command of the log, or
// something done to the Manager; below it stand the answer and every line of the
// state that it changed. Run with -rewrite to record them anew, and read the diff.
//
// A task is named namespace/id, or namespace/id@version when it is not the present
// run. A command happens a second after the one before, or at=<seconds>.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s := &script{rig: newRig(t), t: t}
			datadriven.RunTest(t, path, s.play)
		})
	}
}

// script is one sequence in progress.
type script struct {
	*rig
	t     *testing.T
	clock int64 // seconds
	lines map[string]string
}

// handlers carry out the lines of a script, one handler a file.
var handlers = map[string]func(*script, *testing.T, *datadriven.TestData) error{
	"add":        (*script).handleAdd,
	"cancel":     (*script).handleCancel,
	"claim":      (*script).handleProgress,
	"clean-up":   (*script).handleCleanUp,
	"complete":   (*script).handleComplete,
	"drop":       (*script).handleDrop,
	"fail":       (*script).handleComplete,
	"finalize":   (*script).handleFinalize,
	"flip":       (*script).handleFlip,
	"give-up":    (*script).handleGiveUp,
	"prepared":   (*script).handlePrepared,
	"progress":   (*script).handleProgress,
	"raw":        (*script).handleRaw,
	"restore":    (*script).handleRestore,
	"rules":      (*script).handleRules,
	"update":     (*script).handleUpdate,
	"swapped":    (*script).handleSwapped,
	"drop-check": (*script).handleDropCheck,
}

// played is an answer other than "ok".
type played string

func (p played) Error() string { return string(p) }

func (s *script) play(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd == "list" {
		return s.handleList()
	}
	handle, ok := handlers[d.Cmd]
	if !ok {
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	s.clock++
	if d.HasArg("at") {
		d.ScanArgs(t, "at", &s.clock)
	}
	wakes := s.wakes
	err := handle(s, t, d)
	var out strings.Builder
	var said played
	switch {
	case errors.As(err, &said):
		out.WriteString(string(said))
	case errors.Is(err, ErrPermanentRejection):
		fmt.Fprintf(&out, "refused for ever: %v", err)
	case err != nil:
		fmt.Fprintf(&out, "refused for now: %v", err)
	default:
		out.WriteString("ok")
	}
	if s.wakes > wakes {
		out.WriteString(", wakes the scheduler")
	}
	out.WriteString("\n")
	s.changes(&out)
	s.requireSameAfterRestore(t)
	return out.String()
}

// requireSameAfterRestore holds, after every line, that a snapshot is the state.
func (s *script) requireSameAfterRestore(t *testing.T) {
	other := NewManager(ManagerParameters{})
	require.NoError(t, other.Restore([]byte(s.snapshot())))
	require.Equal(t, s.records, other.records)
}

// changes writes the lines of the state that differ from the last time.
func (s *script) changes(out *strings.Builder) {
	lines := map[string]string{}
	for namespace, tasks := range s.list() {
		for _, task := range tasks {
			describe(lines, namespace, task)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.lines)) {
		if _, still := lines[key]; !still && !strings.Contains(key, " ") {
			fmt.Fprintf(out, "%s: gone\n", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		if s.lines[key] != lines[key] {
			fmt.Fprintf(out, "%s: %s\n", key, lines[key])
		}
	}
	s.lines = lines
}

// describe puts a task into lines; only a task's first line has no space in its key.
func describe(lines map[string]string, namespace string, task *Task) {
	name := fmt.Sprintf("%s/%s@%d", namespace, task.ID, task.Version)
	head := task.Status.String()
	if task.NeedsPreparationBarrier {
		head += ", barrier"
	}
	if task.AcksRequired {
		head += ", acks required"
	}
	head += stamp("started", task.StartedAt) + stamp("work ended", task.FinishedAt) + stamp("ended", task.TerminalAt)
	if task.Error != "" {
		head += fmt.Sprintf(", error %q", task.Error)
	}
	lines[name] = head
	for id, u := range task.Units {
		line := string(u.Status)
		if u.NodeID != "" {
			line += fmt.Sprintf(" %v by %s", u.Progress, u.NodeID)
		}
		line += stamp("updated", u.UpdatedAt) + stamp("finished", u.FinishedAt)
		if u.Error != "" {
			line += fmt.Sprintf(", error %q", u.Error)
		}
		key := name + " unit " + id
		if u.GroupID != "" {
			key += " of " + u.GroupID
		}
		lines[key] = line
	}
	for phase, acks := range map[string]map[string]PostCompletionAck{"prepared": task.PreparationCompletionAcks, "swapped": task.PostCompletionAcks} {
		for node, ack := range acks {
			line := "ok"
			if !ack.Success {
				line = fmt.Sprintf("failed %q", ack.Error)
			}
			lines[name+" "+phase+" "+node] = line + stamp("at", ack.AckedAt)
		}
	}
}

func stamp(what string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf(", %s %ds", what, t.Unix())
}

// run is the run of a task that the first argument names.
func (s *script) run(t *testing.T, d *datadriven.TestData) (namespace, id string, version uint64) {
	name, v, versioned := strings.Cut(word(t, d, 0), "@")
	namespace, id, ok := strings.Cut(name, "/")
	if !ok {
		d.Fatalf(t, "%q is not namespace/id", name)
	}
	if !versioned {
		if task := s.task(namespace, id); task != nil {
			return namespace, id, task.Version
		}
		return namespace, id, 0
	}
	version, err := strconv.ParseUint(v, 10, 64)
	require.NoError(t, err, d.Pos)
	return namespace, id, version
}

// word is the n-th argument, which has no value.
func word(t *testing.T, d *datadriven.TestData, n int) string {
	if len(d.CmdArgs) <= n || d.CmdArgs[n].Vals != nil {
		d.Fatalf(t, "want a word at place %d", n+1)
	}
	return d.CmdArgs[n].Key
}

// value is an argument's value, or "" without it.
func value(t *testing.T, d *datadriven.TestData, key string) string {
	if !d.HasArg(key) {
		return ""
	}
	arg, _ := d.Arg(key)
	return strings.Join(arg.Vals, ", ")
}

func (s *script) millis() int64 { return s.clock * 1000 }
