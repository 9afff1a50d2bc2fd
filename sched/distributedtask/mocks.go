package distributedtask

import (
	"github.com/stretchr/testify/mock"

	"dtsim/sched/schedmock"
)

// The mock of [TaskCleaner].
type (
	MockTaskCleaner                             = schedmock.MockTaskCleaner
	MockTaskCleaner_Expecter                    = schedmock.MockTaskCleaner_Expecter
	MockTaskCleaner_CleanUpDistributedTask_Call = schedmock.MockTaskCleaner_CleanUpDistributedTask_Call
)

// NewMockTaskCleaner returns a mock whose expectations are asserted when t ends.
func NewMockTaskCleaner(t interface {
	mock.TestingT
	Cleanup(func())
},
) *MockTaskCleaner {
	return schedmock.NewMockTaskCleaner(t)
}

// The mock of [TaskCompletionRecorder].
type (
	MockTaskCompletionRecorder                                          = schedmock.MockTaskCompletionRecorder
	MockTaskCompletionRecorder_Expecter                                 = schedmock.MockTaskCompletionRecorder_Expecter
	MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call = schedmock.MockTaskCompletionRecorder_RecordDistributedTaskUnitCompletion_Call
	MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call    = schedmock.MockTaskCompletionRecorder_RecordDistributedTaskUnitFailure_Call
	MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call   = schedmock.MockTaskCompletionRecorder_UpdateDistributedTaskUnitProgress_Call
)

// NewMockTaskCompletionRecorder returns a mock whose expectations are asserted
// when t ends.
func NewMockTaskCompletionRecorder(t interface {
	mock.TestingT
	Cleanup(func())
},
) *MockTaskCompletionRecorder {
	return schedmock.NewMockTaskCompletionRecorder(t)
}
