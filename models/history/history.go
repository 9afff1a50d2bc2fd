package history

import (
	"encoding/json"
	"fmt"

	"dtsim/fsm/api"
	"dtsim/models/spec"
)

// History is what clients did and saw, in any order.
type History struct {
	// Beginning is what was there before.
	Beginning Beginning
	Ops       []Op
}

// Beginning is the state with which a history begins: mostly nothing.
type Beginning struct {
	// Tasks is a snapshot of the tasks, in the form that models/spec restores; nil for none.
	Tasks json.RawMessage `json:"tasks,omitempty"`
	// Collections are those that exist.
	Collections []string `json:"collections,omitempty"`
}

// machine returns the machine that a history begins with.
func (b *Beginning) machine(rules *spec.Rules) (spec.Machine, error) {
	if b.Tasks == nil {
		return spec.New(rules), nil
	}
	m, err := spec.New(rules).Restore(b.Tasks)
	if err != nil {
		return m, fmt.Errorf("history: beginning: %w", err)
	}
	return m, nil
}

// begin is machine for a history that was validated.
func (b *Beginning) begin(rules *spec.Rules) spec.Machine {
	m, err := b.machine(rules)
	if err != nil {
		panic(err.Error())
	}
	return m
}

// Kind is the sort of an operation.
type Kind string

// The kinds of operations.
const (
	Add              Kind = "add"
	Cancel           Kind = "cancel"
	CleanUp          Kind = "clean-up"
	CompleteUnit     Kind = "complete-unit"
	Progress         Kind = "progress"
	Finalize         Kind = "finalize"
	AckSwap          Kind = "ack-swap"
	AckPreparation   Kind = "ack-preparation"
	GiveUp           Kind = "give-up"
	CreateCollection Kind = "create-collection"
	DropCollection   Kind = "drop-collection"
	List             Kind = "list"
)

// commands are the kinds that are commands of the task API.
var commands = map[Kind]api.CommandType{
	Add: api.CommandAddTask, Cancel: api.CommandCancelTask, CleanUp: api.CommandCleanUpTask,
	CompleteUnit: api.CommandRecordUnitCompletion, Progress: api.CommandUpdateUnitProgress,
	Finalize: api.CommandMarkTaskFinalized, AckSwap: api.CommandRecordPostAck,
	AckPreparation: api.CommandRecordPreparationAck, GiveUp: api.CommandMarkTaskFailed,
}

// known reports whether k is one of the kinds.
func (k Kind) known() bool {
	return commands[k] != 0 || k == CreateCollection || k == DropCollection || k == List
}

// Outcome is the result of an operation as its client got it.
type Outcome string

// The outcomes of operations.
const (
	// OK: it was accepted.
	OK Outcome = "ok"
	// Rejected: it was refused; Verdict holds the reason.
	Rejected Outcome = "rejected"
	// NoEffect: it failed, and has had no effect.
	NoEffect Outcome = "no-effect"
	// Ambiguous: it failed, and may take effect, even later.
	Ambiguous Outcome = "ambiguous"
	// Pending: it has not returned.
	Pending Outcome = "pending"
)

// Op is one operation.
type Op struct {
	// Client is who called; "" for a command in the log whose call is not known.
	Client string `json:"client,omitempty"`
	// Request names the request that the command is. Two operations with one name are
	// one request that took effect twice.
	Request string `json:"request,omitempty"`
	Kind    Kind   `json:"kind"`
	// Args is the command as it stands in the log. It may be missing when the operation
	// never took effect, and of lists.
	Args json.RawMessage `json:"args,omitempty"`
	// Collection is what CreateCollection and DropCollection are about.
	Collection string `json:"collection,omitempty"`

	// Call and Return are when, on one clock for all, from 1; only their order counts,
	// and what has the same time is concurrent. Return is 0 for a pending operation.
	Call    int64   `json:"call"`
	Return  int64   `json:"return,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Verdict is that of the caller's answer, or else of the log; "" if unknown.
	// Its form is that of spec.Verdict as text: "permanent task-not-exist".
	Verdict string `json:"verdict,omitempty"`

	// Index is where in the log the command took effect (or was refused), 0 if that is
	// unknown; Never is set if it took no effect. AppliedAt is when the first replica
	// applied it, 0 if unknown.
	Index     uint64 `json:"index,omitempty"`
	Never     bool   `json:"never,omitempty"`
	AppliedAt int64  `json:"applied_at,omitempty"`

	// Shows is what a list shows, one entry a task.
	Shows []Shown `json:"shows,omitempty"`
}

// Shown is one task in a list.
type Shown struct {
	Namespace string `json:"ns"`
	ID        string `json:"id"`
	// Digest is the digest that models/spec has of the task, in hexadecimal.
	Digest string `json:"digest"`
}

// Verdict is the result of a judge.
type Verdict string

// The verdicts of the judges.
const (
	// Legal: an order was found. Its text is that of the machine output.
	Legal Verdict = "ok"
	// Illegal: there is none.
	Illegal Verdict = "illegal"
	// Unknown: the history does not determine it, or the judge has used up its budget.
	Unknown Verdict = "unknown"
)

// Finding is one reason why a history is illegal.
type Finding struct {
	// Op is the position of the operation in the history.
	Op      int
	Message string
	// Hidden is set if it shows only in the log, or only in several tasks together, so
	// that Search may miss it.
	Hidden bool
}

// validate returns an error if the form of an operation is invalid.
func (o *Op) validate() error {
	switch {
	case !o.Kind.known():
		return fmt.Errorf("kind: there is no operation %q", o.Kind)
	case o.Call < 1:
		return fmt.Errorf("call: %d, but time begins at 1", o.Call)
	case o.Index != 0 && o.Never:
		return fmt.Errorf("never: the operation has index %d", o.Index)
	case o.AppliedAt < 0 || o.AppliedAt != 0 && o.Index == 0:
		return fmt.Errorf("applied_at: %d with index %d", o.AppliedAt, o.Index)
	}
	switch o.Outcome {
	case OK, Rejected, NoEffect, Ambiguous:
		if o.Return < o.Call {
			return fmt.Errorf("return: %d is before the call at %d", o.Return, o.Call)
		}
	case Pending:
		if o.Return != 0 {
			return fmt.Errorf("return: %d of a pending operation", o.Return)
		}
	default:
		return fmt.Errorf("outcome: there is no outcome %q", o.Outcome)
	}
	if err := o.validVerdict(); err != nil {
		return err
	}
	return o.validSubject()
}

func (o *Op) validVerdict() error {
	switch o.Outcome {
	case OK:
		if o.Verdict != "" && o.Verdict != "ok" {
			return fmt.Errorf("verdict: %q of an accepted operation", o.Verdict)
		}
	case Rejected:
		if o.Verdict == "" || o.Verdict == "ok" {
			return fmt.Errorf("verdict: %q of a rejected operation", o.Verdict)
		}
	}
	return nil
}

func (o *Op) validSubject() error {
	switch {
	case o.Kind == List:
		if o.Args != nil || o.Index != 0 || o.Never || o.Outcome == Rejected {
			return fmt.Errorf("kind: a list is no command, is not in the log and is not refused")
		}
		for i, s := range o.Shows {
			if _, err := s.digest(); err != nil {
				return fmt.Errorf("shows[%d].digest: %q is no digest", i, s.Digest)
			}
		}
		return nil
	case o.Shows != nil:
		return fmt.Errorf("shows: %q shows nothing", o.Kind)
	case commands[o.Kind] == 0:
		if o.Collection == "" {
			return fmt.Errorf("collection: missing")
		}
	case o.Args == nil && !o.Never:
		return fmt.Errorf("args: missing, and the command may have taken effect")
	}
	return nil
}
