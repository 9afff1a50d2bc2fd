// Package api is the wire form of the task manager: the envelope in the
// Raft log and the commands inside it.
//
// A command is an [ApplyRequest], a protobuf message, whose SubCommand holds the
// plain encoding/json form of one of the request structs of this package: keys in
// snake case, integers as JSON numbers, bytes in base64, zero values left out.
// The command numbers and the keys are those of Weaviate's cluster/proto/api;
// fields that this project adds are additive: a command without them still
// applies, and an older binary ignores them.
//
// The package does not depend on what a command does.
package api

import "strconv"

// CommandType is the number of a command in the Raft log.
type CommandType int32

// The commands of the task manager. 302 was never shipped and is refused.
const (
	CommandAddTask              CommandType = 300
	CommandCancelTask           CommandType = 301
	CommandCleanUpTask          CommandType = 303
	CommandRecordUnitCompletion CommandType = 304
	CommandUpdateUnitProgress   CommandType = 305
	CommandMarkTaskFinalized    CommandType = 306
	CommandRecordPostAck        CommandType = 307
	CommandRecordPreparationAck CommandType = 308
	CommandMarkTaskFailed       CommandType = 309
	commandRecordNodeCompleted  CommandType = 302
)

var commandNames = map[CommandType]string{
	CommandAddTask:              "DISTRIBUTED_TASK_ADD",
	CommandCancelTask:           "DISTRIBUTED_TASK_CANCEL",
	commandRecordNodeCompleted:  "DISTRIBUTED_TASK_RECORD_NODE_COMPLETED",
	CommandCleanUpTask:          "DISTRIBUTED_TASK_CLEAN_UP",
	CommandRecordUnitCompletion: "DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED",
	CommandUpdateUnitProgress:   "DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS",
	CommandMarkTaskFinalized:    "DISTRIBUTED_TASK_MARK_FINALIZED",
	CommandRecordPostAck:        "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK",
	CommandRecordPreparationAck: "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK",
	CommandMarkTaskFailed:       "DISTRIBUTED_TASK_MARK_FAILED",
}

// String returns the name the command has in logs and traces, or its number when
// it is none of the task manager's.
func (t CommandType) String() string {
	if name, ok := commandNames[t]; ok {
		return name
	}
	return "COMMAND_" + strconv.Itoa(int(t))
}

// ApplyRequest is the envelope of a command in the Raft log. The task manager
// looks at SubCommand alone.
type ApplyRequest struct {
	// Type is the type of the command in SubCommand.
	Type CommandType
	// Class is the collection a schema command is about; empty for task commands.
	Class string
	// Version is kept for the envelope's compatibility; task commands leave it 0.
	Version uint64
	// SubCommand is the JSON form of the command.
	SubCommand []byte
	// RequestID recognises a command that its proposer's own retry commits a
	// second time; zero in commands of older proposers, which are applied as often
	// as they are committed.
	RequestID RequestID
}

// RequestID names one request of one proposer for ever. See fsm/replica for the
// table of outcomes it is looked up in.
type RequestID struct {
	// Client is the proposer: one incarnation of one node's client, never reused.
	Client string
	// Seq counts the client's requests from 1.
	Seq uint64
	// Low is the client's lowest sequence number that is still without an outcome;
	// all outcomes below it may be dropped, and a duplicate below it is stale.
	Low uint64
	// Since is a log index that was applied, or 1, before the client sent its first request: all of
	// them are behind it. Zero for proposers that do not tell.
	Since uint64
}

// IsZero reports whether the command carries no request id.
func (r RequestID) IsZero() bool { return r == RequestID{} }
