package trace_test

import (
	"bytes"
	"fmt"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Events are recorded while a run goes on, and the trace is read again: it holds the plan,
// the events and the verdict, and equal runs have equal hashes.
func Example() {
	var file bytes.Buffer
	recorder, err := trace.NewRecorder(&file, trace.Header{Plan: plan.Default(), Engine: "native"})
	if err != nil {
		panic(err)
	}
	recorder.Emit(trace.Event{At: time.Second, Node: "n1", Incarnation: 1, Kind: trace.NodeStarted})
	recorder.Emit(trace.Event{At: 2 * time.Second, Node: "n1", Incarnation: 1, Kind: trace.NodeState, Fields: []trace.Field{trace.Str("state", "leader")}})
	written, err := recorder.Close(trace.Verdict{Passed: true})
	if err != nil {
		panic(err)
	}

	read, err := trace.Read(&file)
	if err != nil {
		panic(err)
	}
	for _, e := range read.Events {
		fmt.Println(e.Seq, e.At, e.Node, e.Kind)
	}
	fmt.Println(read.Footer.Verdict.Passed, read.Footer.Hash == written.Hash)
	// Output:
	// 1 1s n1 node-started
	// 2 2s n1 node-state
	// true true
}
