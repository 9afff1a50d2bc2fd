// Command guest is a guest for the tests of package engine. It needs nothing of
// the simulator: real hashicorp/raft nodes on raft's own in-memory transport, with
// everything that a careful simulator avoids (one shared random stream, pipelines,
// iteration over maps, select in the path of every call), because the engines must
// be deterministic all the same. The plan's name is what else happens.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"dtsim/sim/engine/bubble"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func main() { bubble.Main(run) }

// run does what the plan's name stands for.
func run(p *plan.Plan, rec *trace.Recorder) (trace.Verdict, error) {
	name, arg, _ := strings.Cut(p.Name, "=")
	switch name {
	case "raft":
		newCluster(p, rec).run()
	case "orders":
		orders(rec)
	case "slow":
		compete(rec, arg)
	case "churn":
		churn(rec)
	case "panic":
		rec.Emit(trace.Event{Kind: trace.RunEnded})
		go panic("a goroutine of the system under test panics")
		time.Sleep(time.Second)
	case "deadlock":
		select {}
	case "spin":
		for i := 0; i >= 0; i++ {
			busy = i
		}
	case "read":
		_, err := os.Stdin.Read(make([]byte, 1))
		return trace.Verdict{}, err
	case "hang":
		<-outside
	case "exit":
		os.Exit(0)
	case "eat":
		eat()
	case "race":
		race(rec)
	case "garble":
		fmt.Fprint(os.NewFile(1, "stdout"), "these bytes are no frame at all\n")
	case "refuse":
		return trace.Verdict{}, fmt.Errorf("will not run %q", arg)
	case "chatter":
		fmt.Println("a line to standard output")
	default:
		return trace.Verdict{}, fmt.Errorf("no plan is named %q", name)
	}
	return trace.Verdict{Passed: true}, nil
}

// outside is a channel of no bubble: who waits for it in a bubble hangs it.
var outside = make(chan int)

// busy keeps a loop from being empty.
var busy int

// eat occupies more and more memory without ever blocking.
func eat() {
	var all [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		busy = len(all)
	}
}

// race writes a variable in two goroutines that do not synchronise.
func race(rec *trace.Recorder) {
	n := 0
	for range 2 {
		go func() { n++ }()
	}
	time.Sleep(time.Second)
	rec.Emit(trace.Event{At: time.Second, Kind: trace.RunEnded, Fields: []trace.Field{trace.Int("n", int64(n))}})
}
