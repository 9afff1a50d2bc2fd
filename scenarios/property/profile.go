package property

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is a part of a property that a contract may not have.
type Rule string

// The rules that a profile may omit.
const (
	// Replay is the part of P1 that a replay of the log, years later and with another time to live,
	// comes to the same.
	Replay Rule = "P1 replay"
	// RejectionTexts is the part of P1 that replicas refuse a command with the same text.
	RejectionTexts Rule = "P1 texts of rejections"
	// Specification is P2: every verdict, every record and every answer is that of models/spec.
	Specification Rule = "P2 specification"
	// SwapOfFailed is the part of P5 that OnSwapRequested does not run for a task that it sees FAILED.
	SwapOfFailed Rule = "P5 OnSwapRequested that sees FAILED"
	// CallbacklessAcks is P7 for tasks whose provider has no callbacks.
	CallbacklessAcks Rule = "P7 without callbacks"
	// RecordedOutcome is the part of P9 that a callback whose outcome is in the log does not run
	// again in a later incarnation.
	RecordedOutcome Rule = "P9 recorded outcome"
	// CompletedOnce is the part of P9 that an OnTaskCompleted that has succeeded does not run again.
	CompletedOnce Rule = "P9 OnTaskCompleted once"
	// FlipGuards is the part of P11 that tasks of other namespaces are in the way of a migration's
	// flip.
	FlipGuards Rule = "P11 guards of a flip"
	// TerminalTime is the part of P12 that a record's time to live begins when the task became
	// terminal, and that its end is decided by what the command carries.
	TerminalTime Rule = "P12 time of the end"
	// ThrottleCounts is the part of P13 that the interval begins with the answer to a report rather than
	// with the report, and does not end with the report of a unit's end that came to nothing.
	ThrottleCounts Rule = "P13 counts"
	// OneRunAtATime is the part of P14 that a run of a task starts when the handle of the run before
	// has gone.
	OneRunAtATime Rule = "P14 one run at a time"
	// CloseWaits is the part of P14 that Close waits for the workers.
	CloseWaits Rule = "P14 Close waits"
	// Reasons is the part of P15 that rejections have one of a closed list of reasons, which reach the
	// caller.
	Reasons Rule = "P15 reasons"
	// Promptness is the part of P16 that a scheduler looks at what has happened at once.
	Promptness Rule = "P16 promptness"
	// FailedCompletion is the part of P16 that OnTaskCompleted of a task that has ended is tried until
	// it succeeds.
	FailedCompletion Rule = "P16 OnTaskCompleted that fails"
	// FailTask is the part of P17 that the command of an operator who gives a task up is fail-task.
	FailTask Rule = "P17 fail-task"
	// BadSubmissions is the part of P18 that bad submissions are refused for ever.
	BadSubmissions Rule = "P18 bad submissions"
	// OwnPromises are the promises of a plan about how operations are answered.
	OwnPromises Rule = "promises about answers"
)

// Profile is by which rules a system is judged.
type Profile struct {
	// Name stands in the header of traces; that of [Own] is empty.
	Name string
	// Contract is whose contract it is, in words.
	Contract string
	// Omits are the rules that the contract does not have.
	Omits []Omission
}

// Omission is a rule that a contract does not have.
type Omission struct {
	Rule Rule
	// Because is what the contract has instead: a sentence of it, in quotes, if there is one.
	Because string
}

// Has reports whether a rule is part of the profile.
func (p *Profile) Has(r Rule) bool {
	return !slices.ContainsFunc(p.Omits, func(o Omission) bool { return o.Rule == r })
}

// Own is the profile of this repository: all rules.
var Own = &Profile{Contract: "the design of this repository"}

// The profiles of the task manager that Weaviate publishes, by its documentation. They differ in
// the providers only: [Weaviate] is run with those of the simulator, which keep to all that the
// interface says; [WeaviateReindex] with such as behave as the provider for which the
// published one was made, which lists no local tasks and has nothing to clean up.
var (
	Weaviate        = &Profile{Name: "weaviate", Contract: "the documentation of github.com/weaviate/weaviate/cluster/distributedtask", Omits: published}
	WeaviateReindex = &Profile{Name: "weaviate-reindex", Contract: Weaviate.Contract + ", with its reindex provider", Omits: published}
)

// published are the rules of this repository that the published contract does not have.
var published = []Omission{
	{Replay, `Manager.CleanUpTask: "It refuses to clean up tasks ... whose completedTaskTTL has not yet elapsed": elapsed by the clock of the node, which ManagerParameters has. That nodes which apply the same log differ is judged as it happens in the cluster.`},
	{RejectionTexts, `ErrPermanentRejection: "Classifiers ... should use errors.Is": texts are not part of the contract.`},
	{Specification, `models/spec is the specification of this repository. The documentation has no other: what it has about single commands is judged by P3 to P12.`},
	{SwapOfFailed, `Group-level finalization: "Both callbacks fire on FINISHED and FAILED tasks so providers can finalize (success) or rollback (failure) based on task.Status."`},
	{CallbacklessAcks, `Task.PostCompletionAcks: "Nil for tasks whose provider does not implement [UnitAwareProvider] (no OnGroupCompleted to ack)."`},
	{RecordedOutcome, `Provider idempotency contract: "After a node crash, the Scheduler re-launches tasks ... The Provider MUST handle re-invocation idempotently".`},
	{CompletedOnce, `UnitAwareProvider.OnTaskCompleted: "The scheduler MAY re-invoke this method for the same task if a downstream finalize-record write fails".`},
	{FlipGuards, `SchemaMutationDetector: "this protects them from out-of-band schema mutations during their flight": a flip is none.`},
	{TerminalTime, `Task.FinishedAt: "the time that task reached a terminal status. Additionally, it is used to schedule task clean up." It is set when the last unit ends and stays as it is.`},
	{ThrottleCounts, `ThrottledRecorder: "Each unit's progress is forwarded at most once per the interval", from one report to the next, and "throttle entries are cleaned up when a unit reaches a terminal state", as its provider reports it.`},
	{OneRunAtATime, `TaskDescriptor.Version: "It is used to differentiate between multiple runs of the same task": a handle is of a run, and Terminate is "a signal to stop executing the task".`},
	{CloseWaits, `Scheduler.Close: "It blocks until all handles have been signalled."`},
	{Reasons, `RehydratePermanentRejection: "the marker is missing or unknown → re-attach only the umbrella sentinel".`},
	{Promptness, `SchedulerNotifier: "Without this hook the scheduler only reacts on its periodic tick (default 1 minute)": the documentation has no bound for a wake.`},
	{FailedCompletion, `UnitAwareProvider.OnTaskCompleted: "Errors on terminal-status invocations are best-effort"; in v1.38 it returns none.`},
	{FailTask, `Provider idempotency contract: "If a node is permanently lost, the task must be cancelled manually."`},
	{BadSubmissions, `Manager.AddTask: "Returns an error if a task with the same namespace/ID is already running, or if no units are provided": nothing else is promised.`},
	{OwnPromises, `How operations end follows from the rules above.`},
}

// Profiles returns all profiles, [Own] first.
func Profiles() []*Profile { return []*Profile{Own, Weaviate, WeaviateReindex} }

// ProfileNamed returns the profile with that name; the empty one is [Own].
func ProfileNamed(name string) (*Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return nil, fmt.Errorf("there is no profile %q; there are %s", name, strings.Join(names, ", "))
}
