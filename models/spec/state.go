package spec

import (
	"time"
)

// Status is where a task stands. One that is none of those below comes from a newer
// version of the software, in a snapshot: the task is active in an unknown
// way, and every command about it is refused.
type Status string

// The statuses of a task.
const (
	Started   Status = "STARTED"
	Preparing Status = "PREPARING"
	Swapping  Status = "SWAPPING"
	Finished  Status = "FINISHED"
	Cancelled Status = "CANCELLED"
	Failed    Status = "FAILED"
)

// Terminal reports whether the status is final.
func (s Status) Terminal() bool { return s == Finished || s == Cancelled || s == Failed }

// Foreign reports whether only a newer version knows the status.
func (s Status) Foreign() bool {
	return s != Started && s != Preparing && s != Swapping && !s.Terminal()
}

// UnitStatus is where a unit stands.
type UnitStatus string

// The statuses of a unit.
const (
	Pending       UnitStatus = "PENDING"
	InProgress    UnitStatus = "IN_PROGRESS"
	UnitCompleted UnitStatus = "COMPLETED"
	UnitFailed    UnitStatus = "FAILED"
)

// Terminal reports whether no more reports on the unit are accepted.
func (s UnitStatus) Terminal() bool { return s == UnitCompleted || s == UnitFailed }

// Unit is one piece of work of a task; its id is its key in [Task.Units].
type Unit struct {
	Group string
	// Node has claimed the unit; "" before.
	Node                  string
	Status                UnitStatus
	Progress              float32
	Error                 string
	UpdatedAt, FinishedAt time.Time
}

// Ack is the outcome of one step on one node.
type Ack struct {
	Success bool
	Error   string
	At      time.Time
}

// Head is what a task has besides its units and acks.
type Head struct {
	Namespace, ID string
	// Version is the log index of the command that added this run of the task.
	Version uint64
	Payload []byte
	// Barrier puts Preparing before Swapping; AcksRequired keeps the task from
	// finishing before every owner has acknowledged its swap.
	Barrier, AcksRequired bool
	Status                Status
	// StartedAt is when the task was submitted, FinishedAt when the work of its units
	// ended, TerminalAt when the task became terminal: each as in the command.
	StartedAt, FinishedAt, TerminalAt time.Time
	Error                             string
}

// Task is the record of one run of a task. It never changes.
type Task struct {
	Head
	Units Map[Unit]
	// Prepared and Swapped hold the acks of the two steps by node.
	Prepared, Swapped Map[Ack]
	// open is how many units are not terminal.
	open int
}

// Machine is the state of all tasks. It never changes: every method that changes
// something returns another one. The zero Machine has no tasks and no rules.
type Machine struct {
	rules *Rules
	tasks Map[Map[*Task]] // by namespace and ID
}

// New returns a machine without tasks with these rules; nil has none.
func New(rules *Rules) Machine { return Machine{rules: rules} }

// WithRules returns the machine with the same tasks that asks other guards.
func (m Machine) WithRules(rules *Rules) Machine {
	m.rules = rules
	return m
}

// Task returns the record of a task, nil when there is none.
func (m Machine) Task(namespace, id string) *Task {
	in, _ := m.tasks.Get(namespace)
	t, _ := in.Get(id)
	return t
}

// Alone returns the machine with no task but this one, if it is there, and no rules.
func (m Machine) Alone(namespace, id string) Machine {
	if t := m.Task(namespace, id); t != nil {
		return Machine{}.with(t)
	}
	return Machine{}
}

// Tasks returns the records of a namespace, sorted by ID.
func (m Machine) Tasks(namespace string) []*Task {
	in, _ := m.tasks.Get(namespace)
	all := make([]*Task, 0, in.Len())
	for _, t := range in.All() {
		all = append(all, t)
	}
	return all
}

// Namespaces returns the namespaces that have tasks, sorted.
func (m Machine) Namespaces() []string {
	all := make([]string, 0, m.tasks.Len())
	for namespace := range m.tasks.All() {
		all = append(all, namespace)
	}
	return all
}

// Digest is that of all tasks: machines with equal tasks have equal digests.
func (m Machine) Digest() uint64 { return m.tasks.Digest() }

// with returns the machine with a task in the place of the one of its name.
func (m Machine) with(t *Task) Machine {
	in, _ := m.tasks.Get(t.Namespace)
	m.tasks = m.tasks.Put(t.Namespace, in.Put(t.ID, t))
	return m
}

// without returns the machine without a task.
func (m Machine) without(t *Task) Machine {
	in, _ := m.tasks.Get(t.Namespace)
	if in = in.Delete(t.ID); in.Len() == 0 {
		m.tasks = m.tasks.Delete(t.Namespace)
	} else {
		m.tasks = m.tasks.Put(t.Namespace, in)
	}
	return m
}

// all reports whether every node that owns a unit has acknowledged success: the barriers
// P5 and P7.
func (t *Task) all(acks Map[Ack]) bool {
	for _, u := range t.Units.All() {
		if a, _ := acks.Get(u.Node); u.Node != "" && !a.Success {
			return false
		}
	}
	return true
}

// instant is a time as a number; whole milliseconds lose nothing.
func instant(t time.Time) uint64 { return uint64(t.UnixMilli()) }
