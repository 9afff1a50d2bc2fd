package distributedtask

import (
	"github.com/stretchr/testify/mock"

	"dtsim/sched"
)

// The mock of [TaskCleaner].
type (
	MockTaskCleaner                             = sched.MockTaskCleaner
	MockTaskCleaner_Expecter                    = sched.MockTaskCleaner_Expecter
	MockTaskCleaner_CleanUpDistributedTask_Call = sched.MockTaskCleaner_CleanUpDistributedTask_Call
)

// NewMockTaskCleaner returns a mock whose expectations are asserted when t ends.
func NewMockTaskCleaner(t interface {
	mock.TestingT
	Cleanup(func())
},
) *MockTaskCleaner {
	return sched.NewMockTaskCleaner(t)
}

// The mock of [TaskCompletionRecorder].
type (
	MockTaskCompletionRecorder                                          = sched.MockTaskCompletionRecorder
	MockTaskCompletionRecorder_Expecter                                 = sched.MockTaskCompletionRecorder_Expecter
	MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call = sched.MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call
	MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call    = sched.MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call
	MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call   = sched.MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call
)

// NewMockTaskCompletionRecorder returns a mock whose expectations are asserted
// when t ends.
func NewMockTaskCompletionRecorder(t interface {
	mock.TestingT
	Cleanup(func())
},
) *MockTaskCompletionRecorder {
	return sched.NewMockTaskCompletionRecorder(t)
}
