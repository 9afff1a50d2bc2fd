// Package event has the events of any simulated application as structs: of the run, its
// nodes and faults, Raft, messages, snapshots, files and calls. The doc comments of the
// structs and of their fields are the schema of a trace; the keys in the file stand in
// the Schema methods. The events of an application are in a package of its own, which
// builds on this one.
//
// The fields that an application adds to an event of the framework are kept as they are, in a field
// named Details.
//
// The package imports sim/trace and nothing else of this repository.
package event

import "dtsim/sim/trace"

// Of returns the body of an event: the one that it was recorded with, or else one that is
// read from its fields. Events of other kinds come to an [Other].
func Of(e *trace.Event) trace.Body {
	if e.Body != nil {
		return e.Body
	}
	return Read(e, New(e.Kind))
}

// Read reads the fields of an event into a body; into an [Other] if that is nil.
func Read(e *trace.Event, b trace.Body) trace.Body {
	if b == nil {
		return &Other{e.Kind, e.Fields}
	}
	trace.ReadFields(e.Fields, b)
	return b
}

// Other is an event of a kind without a struct.
type Other struct {
	kind trace.Kind
	// Fields are the fields as they stand.
	Fields []trace.Field
}

func (b *Other) Kind() trace.Kind       { return b.kind }
func (b *Other) Schema(s *trace.Schema) { s.Rest(&b.Fields) }

// New returns an empty body for events of a kind, nil if it is none of the framework's.
func New(k trace.Kind) trace.Body {
	switch k {
	case trace.RunStarted:
		return new(RunStarted)
	case trace.Inherited:
		return new(Inherited)
	case trace.RunEnded:
		return new(RunEnded)
	case trace.Panicked:
		return new(Panicked)
	case trace.LeftBehind:
		return new(LeftBehind)
	case trace.NodeStarted:
		return new(NodeStarted)
	case trace.NodeStopped:
		return new(NodeStopped)
	case trace.NodePaused:
		return new(NodePaused)
	case trace.NodeResumed:
		return new(NodeResumed)
	case trace.Stalled:
		return new(Stalled)
	case trace.NodeLeft:
		return new(NodeLeft)
	case trace.Configured:
		return new(Configured)
	case trace.DiskEmptied:
		return new(DiskEmptied)
	case trace.Recovered:
		return new(Recovered)
	case trace.FaultBegan:
		return new(FaultBegan)
	case trace.FaultActivated:
		return new(FaultActivated)
	case trace.FaultEnded:
		return new(FaultEnded)
	case trace.ClockSet:
		return new(ClockSet)
	case trace.Quiescence:
		return new(Quiescence)
	case trace.NodeState:
		return new(NodeState)
	case trace.LeaderSeen:
		return new(LeaderSeen)
	case trace.MessageSent:
		return new(MessageSent)
	case trace.MessageLost:
		return new(MessageLost)
	case trace.Applied:
		return new(Applied)
	case trace.Committed:
		return new(Committed)
	case trace.Replayed:
		return new(Replayed)
	case trace.SnapshotTaken:
		return new(SnapshotTaken)
	case trace.SnapshotReread:
		return new(SnapshotReread)
	case trace.SnapshotStored:
		return new(SnapshotStored)
	case trace.SnapshotRestored:
		return new(SnapshotRestored)
	case trace.StoresOpened:
		return new(StoresOpened)
	case trace.LogStored:
		return new(LogStored)
	case trace.LogDeleted:
		return new(LogDeleted)
	case trace.StableStored:
		return new(StableStored)
	case trace.Called:
		return new(Called)
	case trace.Proposed:
		return new(Proposed)
	case trace.Returned:
		return new(Returned)
	case trace.AtRest:
		return new(AtRest)
	case trace.Explored:
		return new(Explored)
	case trace.Step:
		return new(Step)
	case trace.FileWritten:
		return new(FileWritten)
	case trace.FileRenamed:
		return new(FileRenamed)
	case trace.FileRemoved:
		return new(FileRemoved)
	}
	return nil
}
