package taskplan

import "strings"

// Stray is a command that nobody should send any more, or never should have: its name as a call, and
// what is wrong with it, with a slash between them. What it is about is chosen when it is sent.
type Stray string

// The commands of strays, named as calls are.
var strayCommands = []string{
	"update-progress", "complete-unit", "fail-unit", "ack-preparation", "ack-swap", "finalize-task", "cancel-task", "fail-task",
	"clean-up-task", "force-clean-up-task", "flip-property", "swap-tenants",
}

// What is wrong with strays.
const (
	// OlderRun: it is about the run of the task before the current one.
	OlderRun = "older-run"
	// LaterRun: about one that there is not yet.
	LaterRun = "later-run"
	// NoRun: about version 0.
	NoRun = "no-run"
	// OtherTask: about a task that there is not.
	OtherTask = "other-task"
	// OtherCase: about the task of an id that differs in case.
	OtherCase = "other-case"
	// OtherNamespace: about a namespace that there is not.
	OtherNamespace = "other-namespace"
	// EmptyTask: about the task without an id.
	EmptyTask = "empty-task"
	// OtherUnit: about a unit that the task does not have.
	OtherUnit = "other-unit"
	// EmptyUnit: about the unit without an id.
	EmptyUnit = "empty-unit"
	// OtherNode: about a unit of another node, that is claimed.
	OtherNode = "other-node"
	// EmptyNode: the same, of the node without a name.
	EmptyNode = "empty-node"
	// BelowZero: a progress below zero.
	BelowZero = "below-zero"
)

// Strays returns all that can be sent.
func Strays() []Stray {
	var all []Stray
	for _, command := range strayCommands {
		for _, w := range wrongs(command) {
			all = append(all, Stray(command+"/"+w))
		}
	}
	return all
}

// wrongs returns what can be wrong with a command.
func wrongs(command string) []string {
	wrong := []string{OlderRun, LaterRun, NoRun, OtherTask, OtherCase, OtherNamespace, EmptyTask}
	switch command {
	case "update-progress":
		wrong = append(wrong, OtherUnit, EmptyUnit, OtherNode, EmptyNode, BelowZero)
	case "complete-unit", "fail-unit":
		wrong = append(wrong, OtherUnit, EmptyUnit, OtherNode, EmptyNode)
	}
	return wrong
}

// Parts returns the command, and what is wrong with it.
func (s Stray) Parts() (command, wrong string) {
	command, wrong, _ = strings.Cut(string(s), "/")
	return command, wrong
}
