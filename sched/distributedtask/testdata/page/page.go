// Package page is a transcript of the declarations on the reference's package
// page (distributedtask v1.38.0-rc.0): what they declare, not what they say.
//
// Unexported fields are not on the page; [0]func() stands for them, so that
// nothing is claimed about comparability. The page cuts the signatures of the
// mocks' EXPECT, Run, Return and RunAndReturn off; they are mockery's.
package page

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/mock"
	"google.golang.org/grpc/codes"

	"dtsim/fsm/api"
)

// Constants

const DefaultThrottleInterval = 3 * time.Second

const PermanentRejectionRPCCode = codes.FailedPrecondition

const ShardNoopProviderNamespace = "shard-noop"

// Variables

var (
	ErrPermanentRejection       = errors.New("permanent FSM rejection")
	ErrTaskNotRunning           = errors.New("task is no longer running")
	ErrTaskDoesNotExist         = errors.New("task does not exist")
	ErrUnitAlreadyTerminal      = errors.New("unit is already terminal")
	ErrUnitWrongNode            = errors.New("unit belongs to a different node")
	ErrTaskNotInFinalizingState = errors.New("task is not in finalizing state")
)

// Functions

func RehydratePermanentRejection(err error) error

func ToRPCError(err error) error

// Types

type CollectionExtractor func(payload []byte) (collection string, ok bool)

type ConcurrencyLimiter struct {
	_ [0]func()
}

func NewConcurrencyLimiter(maxConcurrency int) *ConcurrencyLimiter

func (l *ConcurrencyLimiter) Acquire(ctx context.Context) error

func (l *ConcurrencyLimiter) Release()

type ConflictDetector interface {
	Provider

	CheckConflict(newPayload []byte, existingTasks []*Task) error
}

type ListDistributedTasksResponse struct {
	Tasks map[string][]*Task `json:"tasks"`
}

type Manager struct {
	_ [0]func()
}

func NewManager(params ManagerParameters) *Manager

func (m *Manager) AddTask(c *api.ApplyRequest, seqNum uint64) error

func (m *Manager) CancelTask(a *api.ApplyRequest) error

func (m *Manager) CheckClassMutation(className string) error

func (m *Manager) CheckPropertyUpdate(className, propertyName string) error

func (m *Manager) CheckTenantMutation(className string, tenants []string) error

func (m *Manager) CleanUpTask(a *api.ApplyRequest) error

func (m *Manager) DeleteTasksForCollection(collection string) []TaskDescriptor

func (m *Manager) ListDistributedTasks(_ context.Context) (map[string][]*Task, error)

func (m *Manager) ListDistributedTasksPayload(ctx context.Context) ([]byte, error)

func (m *Manager) MarkTaskFinalized(c *api.ApplyRequest) error

func (m *Manager) RecordPostCompletionAck(c *api.ApplyRequest) error

func (m *Manager) RecordPreparationCompleteAck(c *api.ApplyRequest) error

func (m *Manager) RecordUnitCompletion(c *api.ApplyRequest) error

func (m *Manager) RegisterCollectionExtractor(namespace string, extractor CollectionExtractor)

func (m *Manager) Restore(bytes []byte) error

func (m *Manager) SetConflictDetectors(detectors map[string]ConflictDetector)

func (m *Manager) SetSchedulerNotifier(notifier SchedulerNotifier)

func (m *Manager) SetSchemaMutationDetectors(detectors map[string]SchemaMutationDetector)

func (m *Manager) Snapshot() ([]byte, error)

func (m *Manager) UpdateUnitProgress(c *api.ApplyRequest) error

type ManagerParameters struct {
	Clock clockwork.Clock

	CompletedTaskTTL time.Duration

	Logger logrus.FieldLogger
}

type MockTaskCleaner struct {
	mock.Mock
}

func NewMockTaskCleaner(t interface {
	mock.TestingT
	Cleanup(func())
}) *MockTaskCleaner

func (_m *MockTaskCleaner) CleanUpDistributedTask(ctx context.Context, namespace string, taskID string, taskVersion uint64) error

func (_m *MockTaskCleaner) EXPECT() *MockTaskCleaner_Expecter

type MockTaskCleaner_CleanUpDistributedTask_Call struct {
	*mock.Call
}

func (_c *MockTaskCleaner_CleanUpDistributedTask_Call) Return(_a0 error) *MockTaskCleaner_CleanUpDistributedTask_Call

func (_c *MockTaskCleaner_CleanUpDistributedTask_Call) Run(run func(ctx context.Context, namespace string, taskID string, taskVersion uint64)) *MockTaskCleaner_CleanUpDistributedTask_Call

func (_c *MockTaskCleaner_CleanUpDistributedTask_Call) RunAndReturn(run func(context.Context, string, string, uint64) error) *MockTaskCleaner_CleanUpDistributedTask_Call

type MockTaskCleaner_Expecter struct {
	_ [0]func()
}

func (_e *MockTaskCleaner_Expecter) CleanUpDistributedTask(ctx interface{}, namespace interface{}, taskID interface{}, taskVersion interface{}) *MockTaskCleaner_CleanUpDistributedTask_Call

type MockTaskCompletionRecorder struct {
	mock.Mock
}

func NewMockTaskCompletionRecorder(t interface {
	mock.TestingT
	Cleanup(func())
}) *MockTaskCompletionRecorder

func (_m *MockTaskCompletionRecorder) EXPECT() *MockTaskCompletionRecorder_Expecter

func (_m *MockTaskCompletionRecorder) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string) error

func (_m *MockTaskCompletionRecorder) RecordDistributedTaskUnitFailure(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string, errMsg string) error

func (_m *MockTaskCompletionRecorder) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string, progress float32) error

type MockTaskCompletionRecorder_Expecter struct {
	_ [0]func()
}

func (_e *MockTaskCompletionRecorder_Expecter) RecordDistributedTaskUnitCompletion(ctx interface{}, namespace interface{}, taskID interface{}, version interface{}, nodeID interface{}, unitID interface{}) *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call

func (_e *MockTaskCompletionRecorder_Expecter) RecordDistributedTaskUnitFailure(ctx interface{}, namespace interface{}, taskID interface{}, version interface{}, nodeID interface{}, unitID interface{}, errMsg interface{}) *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call

func (_e *MockTaskCompletionRecorder_Expecter) UpdateDistributedTaskUnitProgress(ctx interface{}, namespace interface{}, taskID interface{}, version interface{}, nodeID interface{}, unitID interface{}, progress interface{}) *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call

type MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call struct {
	*mock.Call
}

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call) Return(_a0 error) *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call) Run(run func(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string)) *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call) RunAndReturn(run func(context.Context, string, string, uint64, string, string) error) *MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call

type MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call struct {
	*mock.Call
}

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call) Return(_a0 error) *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call) Run(run func(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string, errMsg string)) *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call

func (_c *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call) RunAndReturn(run func(context.Context, string, string, uint64, string, string, string) error) *MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call

type MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call struct {
	*mock.Call
}

func (_c *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call) Return(_a0 error) *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call

func (_c *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call) Run(run func(ctx context.Context, namespace string, taskID string, version uint64, nodeID string, unitID string, progress float32)) *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call

func (_c *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call) RunAndReturn(run func(context.Context, string, string, uint64, string, string, float32) error) *MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call

type PostCompletionAck struct {
	Success bool      `json:"success"`
	Error   string    `json:"error,omitempty"`
	AckedAt time.Time `json:"ackedAt"`
}

type PostCompletionAckRecorder interface {
	RecordDistributedTaskPostCompletionAck(
		ctx context.Context,
		namespace, taskID string,
		taskVersion uint64,
		nodeID string,
		success bool,
		errMsg string,
	) error

	RecordDistributedTaskPreparationCompleteAck(
		ctx context.Context,
		namespace, taskID string,
		taskVersion uint64,
		nodeID string,
		success bool,
		errMsg string,
	) error
}

type Provider interface {
	SetCompletionRecorder(recorder TaskCompletionRecorder)

	GetLocalTasks() []TaskDescriptor

	CleanupTask(desc TaskDescriptor) error

	StartTask(task *Task) (TaskHandle, error)
}

type RecoveryAwareProvider interface {
	Provider

	LocalCallbacksDone(task *Task, localNode string) bool
}

type Scheduler struct {
	_ [0]func()
}

func NewScheduler(params SchedulerParams) *Scheduler

func (s *Scheduler) Close()

func (s *Scheduler) Start(ctx context.Context) error

func (s *Scheduler) Wake()

type SchedulerNotifier interface {
	Wake()
}

type SchedulerParams struct {
	CompletionRecorder TaskCompletionRecorder
	TaskLister         TaskLister
	TaskCleaner        TaskCleaner
	TaskFinalizer      TaskFinalizer
	AckRecorder        PostCompletionAckRecorder
	Providers          map[string]Provider
	Clock              clockwork.Clock
	Logger             logrus.FieldLogger
	MetricsRegisterer  prometheus.Registerer

	LocalNode        string
	CompletedTaskTTL time.Duration
	TickInterval     time.Duration
}

type SchemaMutationDetector interface {
	Provider

	CheckPropertyUpdate(className, propertyName string, existingTasks []*Task) error

	CheckClassMutation(className string, existingTasks []*Task) error

	CheckTenantMutation(className string, tenants []string, existingTasks []*Task) error
}

type ShardLister interface {
	GetLocalShardNames(collection string) ([]string, error)
}

type ShardNoopProvider struct {
	_ [0]func()
}

func NewShardNoopProvider(nodeID string, logger logrus.FieldLogger, shardLister ShardLister, dataRoot string) *ShardNoopProvider

func (p *ShardNoopProvider) CleanupTask(desc TaskDescriptor) error

func (p *ShardNoopProvider) GetFinalizedGroups(desc TaskDescriptor) map[string][]string

func (p *ShardNoopProvider) GetFinalizedUnits(desc TaskDescriptor) []string

func (p *ShardNoopProvider) GetLocalTasks() []TaskDescriptor

func (p *ShardNoopProvider) IsTaskCompleted(desc TaskDescriptor) bool

func (p *ShardNoopProvider) OnGroupCompleted(task *Task, groupID string, localGroupUnitIDs []string) error

func (p *ShardNoopProvider) OnSwapRequested(_ *Task, _ string, _ []string) error

func (p *ShardNoopProvider) OnTaskCompleted(task *Task)

func (p *ShardNoopProvider) SetCompletionRecorder(recorder TaskCompletionRecorder)

func (p *ShardNoopProvider) StartTask(task *Task) (TaskHandle, error)

type ShardNoopProviderPayload struct {
	FailUnitID        string            `json:"failUnitId,omitempty"`
	Collection        string            `json:"collection,omitempty"`
	UnitToShard       map[string]string `json:"unitToShard,omitempty"`
	UnitToNode        map[string]string `json:"unitToNode,omitempty"`
	SlowUnitID        string            `json:"slowUnitId,omitempty"`
	SlowUnitDelayMs   int               `json:"slowUnitDelayMs,omitempty"`
	ProcessingDelayMs int               `json:"processingDelayMs,omitempty"`
	MaxConcurrency    int               `json:"maxConcurrency,omitempty"`
}

type Task struct {
	Namespace string `json:"namespace"`

	TaskDescriptor `json:",inline"`

	Payload []byte `json:"payload"`

	NeedsPreparationBarrier bool `json:"needsPreparationBarrier"`

	Status TaskStatus `json:"status"`

	StartedAt time.Time `json:"startedAt"`

	FinishedAt time.Time `json:"finishedAt"`

	Error string `json:"error,omitempty"`

	Units map[string]*Unit `json:"units,omitempty"`

	PreparationCompletionAcks map[string]PostCompletionAck `json:"preparationCompletionAcks,omitempty"`

	PostCompletionAcks map[string]PostCompletionAck `json:"postCompletionAcks,omitempty"`
}

func (t *Task) AllGroupUnitsTerminal(groupID string) bool

func (t *Task) AllUnitsTerminal() bool

func (t *Task) AnyPostCompletionAckFailed() bool

func (t *Task) AnyUnitFailed() bool

func (t *Task) Clone() *Task

func (t *Task) Groups() []string

func (t *Task) LocalGroupUnitIDs(groupID, nodeID string) []string

func (t *Task) LocalUnitIDs(nodeID string) []string

func (t *Task) MissingPostCompletionAckNodes() []string

func (t *Task) NodeHasNonTerminalUnits(nodeID string) bool

func (t *Task) NodesWithLocalUnits() []string

type TaskCleaner interface {
	CleanUpDistributedTask(ctx context.Context, namespace, taskID string, taskVersion uint64) error
}

type TaskCompletionRecorder interface {
	RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error
	RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error
	UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error
}

type TaskDescriptor struct {
	ID      string `json:"ID"`
	Version uint64 `json:"version"`
}

type TaskFinalizer interface {
	MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, taskVersion uint64) error
}

type TaskHandle interface {
	Terminate()

	Done() <-chan struct{}
}

type TaskLister interface {
	ListDistributedTasks(ctx context.Context) (map[string][]*Task, error)
}

type TaskStatus string

const (
	TaskStatusStarted   TaskStatus = "STARTED"
	TaskStatusPreparing TaskStatus = "PREPARING"
	TaskStatusSwapping  TaskStatus = "SWAPPING"
	TaskStatusFinished  TaskStatus = "FINISHED"
	TaskStatusCancelled TaskStatus = "CANCELLED"
	TaskStatusFailed    TaskStatus = "FAILED"
)

func (t TaskStatus) IsActive() bool

func (t TaskStatus) IsCoordinationPhase() bool

func (t TaskStatus) IsTerminal() bool

func (t TaskStatus) String() string

type ThrottledRecorder struct {
	_ [0]func()
}

func NewThrottledRecorder(inner TaskCompletionRecorder, interval time.Duration, clock clockwork.Clock) *ThrottledRecorder

func (r *ThrottledRecorder) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error

func (r *ThrottledRecorder) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error

func (r *ThrottledRecorder) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error

type Unit struct {
	ID         string     `json:"id"`
	GroupID    string     `json:"groupId,omitempty"`
	NodeID     string     `json:"nodeId"`
	Status     UnitStatus `json:"status"`
	Progress   float32    `json:"progress"`
	Error      string     `json:"error,omitempty"`
	UpdatedAt  time.Time  `json:"updatedAt"`
	FinishedAt time.Time  `json:"finishedAt,omitempty"`
}

type UnitAwareProvider interface {
	Provider
	OnGroupCompleted(task *Task, groupID string, localGroupUnitIDs []string) error

	OnSwapRequested(task *Task, groupID string, localGroupUnitIDs []string) error

	OnTaskCompleted(task *Task)
}

type UnitSpec struct {
	ID      string
	GroupID string
}

type UnitStatus string

const (
	UnitStatusPending    UnitStatus = "PENDING"
	UnitStatusInProgress UnitStatus = "IN_PROGRESS"
	UnitStatusCompleted  UnitStatus = "COMPLETED"
	UnitStatusFailed     UnitStatus = "FAILED"
)
