package reconcile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
)

// TestScripts runs the scripts of testdata. Their node is n1. The commands:
//
//	caps [unit-aware] [recovery-aware] [acks] [finalizer]
//	    begins with a node that has these collaborators and remembers nothing.
//	see pass=N [absent] [bootstrap] [expired] [local=(V,...)]
//	    makes a list, with bootstrap the first one of the node; the input is the record:
//	    its version, status and flags, a line per unit, and the acks of both phases.
//	run [ACTION[/GROUP]=fail|cancel|yes|no] [started=N]
//	    delivers the list and performs what the runner decides, with these outcomes (ok
//	    otherwise), until it is at rest; prints the actions and what is remembered.
//	    started is the newest pass that was started when the actions ended.
//	exit V
//	    the worker of version V exits.
//	crash
//	    the runner is lost.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, path := range scripts {
		t.Run(filepath.Base(path), func(t *testing.T) { playScript(t, path) })
	}
}

func playScript(t *testing.T, path string) {
	n := &scriptNode{}
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "caps":
			*n = scriptNode{}
			for _, arg := range d.CmdArgs {
				n.setCap(t, d, arg.Key)
			}
			return ""
		case "see":
			return n.see(t, d)
		case "run":
			return n.run(t, d)
		case "exit":
			return n.exit(t, d)
		case "crash":
			*n = scriptNode{caps: n.caps}
			return ""
		default:
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		}
	})
}

type scriptNode struct {
	caps   Caps
	view   View
	runner Runner[struct{}]
	// gone are the versions whose workers have exited.
	gone []uint64
}

func (n *scriptNode) exited(h Handle) bool { return slices.Contains(n.gone, h.Version) }

func (n *scriptNode) setCap(t *testing.T, d *datadriven.TestData, name string) {
	flags := map[string]*bool{
		"unit-aware": &n.caps.UnitAware, "recovery-aware": &n.caps.RecoveryAware,
		"acks": &n.caps.Acks, "finalizer": &n.caps.Finalizer,
	}
	flag, ok := flags[name]
	if !ok {
		d.Fatalf(t, "unknown capability %q", name)
	}
	*flag = true
}

func (n *scriptNode) see(t *testing.T, d *datadriven.TestData) string {
	v := View{Caps: n.caps, Present: true}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "pass":
			v.Pass = number(t, d, arg.Vals[0])
		case "absent":
			v.Present = false
		case "bootstrap":
			v.First = true
		case "expired":
			v.Expired = true
		case "local":
			for _, val := range arg.Vals {
				v.LocalState = append(v.LocalState, number(t, d, val))
			}
		default:
			d.Fatalf(t, "unknown argument %q", arg.Key)
		}
	}
	n.view = v
	if !v.Present {
		return ""
	}
	n.view.Task = Observe(parseTask(t, d), "n1")
	return describeObservation(n.view.Task)
}

func describeObservation(o Observation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", o.Progress)
	for _, flag := range []struct {
		name string
		set  bool
	}{{"owner", o.Owner}, {"eligible", o.Eligible}, {"all-post-acks-succeeded", o.AllPostAcksSucceeded}} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	b.WriteByte('\n')
	for _, g := range o.Groups {
		fmt.Fprintf(&b, "group %q local=%v terminal=%t\n", g.ID, g.LocalUnits, g.Terminal)
	}
	return b.String()
}

// parseTask reads a record:
//
//	v7 STARTED [barrier] [acks-required]
//	unit ID [group=G] [node=N] STATUS
//	prepared N=ok N=failed ...
//	swapped N=ok ...
func parseTask(t *testing.T, d *datadriven.TestData) *fsm.Task {
	lines := strings.Split(strings.TrimSpace(d.Input), "\n")
	head := strings.Fields(lines[0])
	task := &fsm.Task{Units: map[string]*fsm.Unit{}, Status: fsm.TaskStatus(head[1])}
	task.Version = number(t, d, strings.TrimPrefix(head[0], "v"))
	for _, flag := range head[2:] {
		switch flag {
		case "barrier":
			task.NeedsPreparationBarrier = true
		case "acks-required":
			task.AcksRequired = true
		default:
			d.Fatalf(t, "unknown flag %q", flag)
		}
	}
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		switch words[0] {
		case "unit":
			unit := &fsm.Unit{ID: words[1]}
			for _, word := range words[2:] {
				switch key, value, found := strings.Cut(word, "="); {
				case !found:
					unit.Status = fsm.UnitStatus(word)
				case key == "group":
					unit.GroupID = value
				case key == "node":
					unit.NodeID = value
				default:
					d.Fatalf(t, "unknown unit attribute %q", word)
				}
			}
			task.Units[unit.ID] = unit
		case "prepared":
			task.PreparationCompletionAcks = parseAcks(words[1:])
		case "swapped":
			task.PostCompletionAcks = parseAcks(words[1:])
		default:
			d.Fatalf(t, "unknown line %q", line)
		}
	}
	return task
}

func parseAcks(words []string) map[string]fsm.PostCompletionAck {
	acks := map[string]fsm.PostCompletionAck{}
	for _, word := range words {
		node, result, _ := strings.Cut(word, "=")
		acks[node] = fsm.PostCompletionAck{Success: result == "ok"}
	}
	return acks
}

func (n *scriptNode) run(t *testing.T, d *datadriven.TestData) string {
	outcomes := map[string]string{}
	started := n.view.Pass
	for _, arg := range d.CmdArgs {
		if arg.Key == "started" {
			started = number(t, d, arg.Vals[0])
			continue
		}
		outcomes[arg.Key] = arg.Vals[0]
	}
	var b strings.Builder
	n.runner.Deliver(&Look[struct{}]{View: n.view})
	for range 50 {
		clone := n.runner
		_, again := clone.Next(n.exited)
		_, action := n.runner.Next(n.exited)
		if action.String() != again.String() {
			d.Fatalf(t, "a copy decides something else: %s and %s", action, again)
		}
		name := action.Kind.String()
		if action.Group != "" {
			name += "/" + action.Group
		}
		outcome, word := Outcome{Pass: started}, outcomes[name]
		delete(outcomes, name)
		switch word {
		case "":
			word = "ok"
		case "fail":
			outcome.Result, outcome.Err = Failed, "disk full"
		case "cancel":
			outcome.Result, outcome.Err = Cancelled, "context canceled"
		case "yes":
			outcome.Answer = true
		case "no":
		default:
			d.Fatalf(t, "unknown outcome %q", word)
		}
		if action.Kind.AtRest() {
			fmt.Fprintf(&b, "%s\n", action)
			fmt.Fprintf(&b, "memory: %s\n", n.runner.Memory)
			if len(n.runner.Handles) > 0 {
				fmt.Fprintf(&b, "workers: %s\n", n.describeHandles())
			}
			for name := range outcomes {
				d.Fatalf(t, "no action %s happened", name)
			}
			return b.String()
		}
		if action.Kind == Start {
			n.gone = slices.DeleteFunc(n.gone, func(v uint64) bool { return v == action.Version })
		}
		n.runner.Settle(outcome)
		fmt.Fprintf(&b, "%s -> %s\n", action, word)
	}
	d.Fatalf(t, "still busy after 50 actions:\n%s", b.String())
	return ""
}

func (n *scriptNode) exit(t *testing.T, d *datadriven.TestData) string {
	version := number(t, d, d.CmdArgs[0].Key)
	if !slices.ContainsFunc(n.runner.Handles, func(h Handle) bool { return h.Version == version }) {
		d.Fatalf(t, "there is no worker of version %d", version)
	}
	n.gone = append(n.gone, version)
	return fmt.Sprintf("workers: %s\n", n.describeHandles())
}

func (n *scriptNode) describeHandles() string {
	names := [...]string{Running: "running", Terminating: "terminating", Exited: "exited"}
	var all []string
	for _, h := range n.runner.Handles {
		if n.exited(h) {
			h.State = Exited
		}
		all = append(all, fmt.Sprintf("v%d %s", h.Version, names[h.State]))
	}
	return strings.Join(all, ", ")
}

func number(t *testing.T, d *datadriven.TestData, word string) uint64 {
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return n
}
