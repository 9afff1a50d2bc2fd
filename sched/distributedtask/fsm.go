package distributedtask

import "dtsim/fsm"

// The records of tasks.
type (
	Task              = fsm.Task
	TaskDescriptor    = fsm.TaskDescriptor
	TaskStatus        = fsm.TaskStatus
	Unit              = fsm.Unit
	UnitSpec          = fsm.UnitSpec
	UnitStatus        = fsm.UnitStatus
	PostCompletionAck = fsm.PostCompletionAck
)

// Where a task stands.
const (
	TaskStatusStarted   = fsm.TaskStatusStarted
	TaskStatusPreparing = fsm.TaskStatusPreparing
	TaskStatusSwapping  = fsm.TaskStatusSwapping
	TaskStatusFinished  = fsm.TaskStatusFinished
	TaskStatusCancelled = fsm.TaskStatusCancelled
	TaskStatusFailed    = fsm.TaskStatusFailed
)

// Where a unit stands.
const (
	UnitStatusPending    = fsm.UnitStatusPending
	UnitStatusInProgress = fsm.UnitStatusInProgress
	UnitStatusCompleted  = fsm.UnitStatusCompleted
	UnitStatusFailed     = fsm.UnitStatusFailed
)

// The state machine, and what it asks of others.
type (
	Manager                      = fsm.Manager
	ManagerParameters            = fsm.ManagerParameters
	ListDistributedTasksResponse = fsm.ListDistributedTasksResponse
	CollectionExtractor          = fsm.CollectionExtractor
	ConflictDetector             = fsm.ConflictDetector
	SchemaMutationDetector       = fsm.SchemaMutationDetector
	SchedulerNotifier            = fsm.SchedulerNotifier
)

// NewManager returns a Manager without tasks.
func NewManager(params ManagerParameters) *Manager { return fsm.NewManager(params) }

// PermanentRejectionRPCCode is the gRPC code that permanent rejections travel under.
const PermanentRejectionRPCCode = fsm.PermanentRejectionRPCCode

// What the state machine refuses for good.
var (
	ErrPermanentRejection       = fsm.ErrPermanentRejection
	ErrTaskNotRunning           = fsm.ErrTaskNotRunning
	ErrTaskDoesNotExist         = fsm.ErrTaskDoesNotExist
	ErrUnitAlreadyTerminal      = fsm.ErrUnitAlreadyTerminal
	ErrUnitWrongNode            = fsm.ErrUnitWrongNode
	ErrTaskNotInFinalizingState = fsm.ErrTaskNotInFinalizingState
)

// ToRPCError turns a permanent rejection into a gRPC status error; see
// [fsm.ToRPCError].
func ToRPCError(err error) error { return fsm.ToRPCError(err) }

// RehydratePermanentRejection turns such a status error back; see
// [fsm.RehydratePermanentRejection].
func RehydratePermanentRejection(err error) error { return fsm.RehydratePermanentRejection(err) }
