package autopsy

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// The beginnings and ends of what a process says when it dies.
const (
	nilPointer = "panic: runtime error: invalid memory address or nil pointer dereference [recovered, repanicked]\n" +
		"[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x7ca2f1]\n\n"
	remain  = "panic: deadlock: main bubble goroutine has exited but blocked goroutines remain\n\n"
	running = "goroutine 41 [running, synctest bubble 3]:\n"
	waiting = "goroutine 52 [sync.WaitGroup.Wait (durable), synctest bubble 3]:\nsync.runtime_SemacquireWaitGroup(0xc0001, 0x0?)\n\t/go/src/runtime/sema.go:114 +0x2e\n"
	others  = "\ngoroutine 1 [chan receive]:\ndtsim/sched.other(0x1)\n\t/home/me/dtsim/sched/other.go:1 +0x1\n"

	decode    = "encoding/json.(*decodeState).object(0xc0001, {0x7b, 0x5})\n\t/go/src/encoding/json/decode.go:700 +0x12\n"
	wire      = "google.golang.org/protobuf/encoding/protowire.ConsumeTag(...)\n\t/home/me/mod/protowire/wire.go:78\n"
	newest    = "dtsim/sched.newestRecords({0xc0001, 0x4, 0x4})\n\t/home/me/dtsim/sched/pass.go:66 +0x5b\n"
	serve     = "dtsim/fsm/replica.(*Client).Serve(0x0, {0x1, 0x2})\n\tC:/me/dtsim/fsm/replica/serve.go:32 +0x6c\n"
	shutDown  = "dtsim/sched.(*Scheduler).shutDown.func1()\n\t/home/me/dtsim/sched/scheduler.go:192 +0x25\n"
	network   = "dtsim/sim/network.(*Endpoint).Forward(0xc0001)\n\t/home/me/dtsim/sim/network/forward.go:50 +0x12\n"
	raft      = "github.com/hashicorp/raft.(*Raft).run(0xc0001)\n\t/home/me/mod/raft/raft.go:140 +0x12\n"
	clock     = "dtsim/sim/clock.(*Clock).NewTicker(0xc0001, 0x0)\n\t/home/me/dtsim/sim/clock/clock.go:80 +0x12\n"
	lookalike = "dtsim/scheduled.run()\n\t/home/me/dtsim/scheduled/run.go:1 +0x12\n"
	caller    = "dtsim/sim/cluster.(*Cluster).Stop(0xc0001)\n\t/home/me/dtsim/sim/cluster/run.go:170 +0x12\ncreated by dtsim/sched.(*Scheduler).Start in goroutine 7\n\t/home/me/dtsim/sched/scheduler.go:120 +0x1\n"
)

func TestWhoIsToBlame(t *testing.T) {
	const nilWords = "runtime error: invalid memory address or nil pointer dereference"
	panicked := func(what, in, at string) End { return End{Kind: trace.Panicked, What: what, In: in, At: at} }
	left := func(n int) End {
		return End{Kind: trace.LeftBehind, N: n, In: "sched.(*Scheduler).shutDown.func1", At: "sched/scheduler.go:192"}
	}
	for name, c := range map[string]struct {
		stderr string
		want   End // zero for the harness
	}{
		"the system panics":                    {nilPointer + running + newest + caller + others, panicked(nilWords, "sched.newestRecords", "sched/pass.go:66")},
		"under a test's own words":             {"--- FAIL: Guest (0.00s)\n" + nilPointer + running + serve + caller, panicked(nilWords, "fsm/replica.(*Client).Serve", "fsm/replica/serve.go:32")},
		"in the standard library":              {nilPointer + running + decode + newest + caller, panicked(nilWords, "sched.newestRecords", "sched/pass.go:66")},
		"in a tool that the system uses":       {nilPointer + running + wire + serve + caller, panicked(nilWords, "fsm/replica.(*Client).Serve", "fsm/replica/serve.go:32")},
		"with addresses, paths and numbers":    {"panic: goroutine 7 at 0xc000123 reads /home/me/x/file.go:3\n\tagain [recovered]\n\n" + running + newest, panicked("goroutine _ at 0x_ reads file.go:3 again", "sched.newestRecords", "sched/pass.go:66")},
		"in the clock, at a bad question":      {nilPointer + running + clock + newest, panicked(nilWords, "sched.newestRecords", "sched/pass.go:66")},
		"in the clock, which the harness asks": {nilPointer + running + clock + network + newest, End{}},
		"a lock is unlocked twice":             {"fatal error: sync: unlock of unlocked mutex\n\n" + running + newest, panicked("sync: unlock of unlocked mutex", "sched.newestRecords", "sched/pass.go:66")},
		"the harness panics":                   {nilPointer + running + caller + others, End{}},
		"the harness, called by the system":    {nilPointer + running + network + newest + caller, End{}},
		"a tool that the harness uses":         {nilPointer + running + wire + network + newest, End{}},
		"raft panics":                          {nilPointer + running + raft + caller, panicked(nilWords, "github.com/hashicorp/raft.(*Raft).run", "github.com/hashicorp/raft/raft.go:140")},
		"a package with a similar name":        {nilPointer + running + lookalike + newest, End{}},
		"a program that is no part of either":  {nilPointer + running + "main.run()\n\t/x/main.go:1 +0x1\n" + newest, End{}},
		"there is no memory":                   {"fatal error: runtime: out of memory\n\n" + running + newest, End{}},
		"every goroutine sleeps":               {"fatal error: all goroutines are asleep - deadlock!\n\n" + waiting + shutDown, End{}},
		"a goroutine is left behind":           {remain + "goroutine 9 [running]:\n" + caller + "\n" + waiting + shutDown, left(1)},
		"two are, and a worker":                {remain + waiting + shutDown + "\n" + waiting + network + "\n" + waiting + shutDown, left(2)},
		"the harness leaves one behind":        {remain + waiting + network, End{}},
		"raft waits":                           {remain + waiting + raft, End{}},
		"the harness does not return":          {remain + waiting + shutDown + "\n" + waiting + network + newest, End{}},
		"one of another bubble":                {remain + others, End{}},
		"it says nothing":                      {"", End{}},
		"it ends in the middle":                {"panic: words", End{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Blame(c.stderr)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != End{}, ok)
		})
	}
}

// dying is an engine whose guest dies in a run.
type dying struct {
	engine.Engine
	// stderr are the words of one run after the other; the last is that of all later ones.
	stderr []string
	trace  []byte
	spilt  []bool
}

func (e *dying) Run(_ context.Context, job engine.Job) (engine.Result, error) {
	words := e.stderr[min(len(e.spilt), len(e.stderr)-1)]
	e.spilt = append(e.spilt, job.Spill)
	if words == "" {
		return engine.Result{}, nil
	}
	dead := &engine.GuestError{Engine: "native", How: engine.Crashed, Stderr: words}
	if job.Spill {
		dead.Trace = e.trace
	}
	return engine.Result{}, dead
}

// recorded is a trace of two events, whole or without its end.
func recorded(t *testing.T, p *plan.Plan, whole bool) []byte {
	t.Helper()
	var out bytes.Buffer
	rec, err := trace.NewRecorder(&out, trace.Header{Plan: *p, Engine: "native", Build: "id"})
	require.NoError(t, err)
	var spilt bytes.Buffer
	rec.Spill(&spilt)
	rec.Emit(trace.Event{Kind: trace.RunStarted})
	rec.Emit(trace.Event{At: time.Second, Kind: trace.RunEnded})
	if !whole {
		return spilt.Bytes()
	}
	_, err = rec.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	return out.Bytes()
}

func TestARunThatTheSystemEndsHasATraceAndAVerdict(t *testing.T) {
	p := plan.Default()
	for name, c := range map[string]struct {
		stderr   string
		trace    []byte
		property string
		events   int
	}{
		"a panic":            {nilPointer + running + newest, recorded(t, &p, false), "P18", 3},
		"a line is cut off":  {nilPointer + running + newest, bytes.TrimSuffix(recorded(t, &p, false), []byte("}\n")), "P18", 2},
		"one is left behind": {remain + waiting + shutDown, recorded(t, &p, true), "P14", 3},
		"the run had no end": {remain + waiting + shutDown, recorded(t, &p, false), "P14", 3},
		"nothing had an end": {nilPointer + running + newest, recorded(t, &p, true), "P18", 3},
	} {
		t.Run(name, func(t *testing.T) {
			guest := &dying{stderr: []string{c.stderr}, trace: c.trace}
			r, err := Engine(guest).Run(t.Context(), engine.Job{Plan: &p})
			require.NoError(t, err)
			require.Equal(t, []bool{false, true}, guest.spilt)
			whole, err := trace.Read(bytes.NewReader(r.Trace))
			require.NoError(t, err)
			require.Equal(t, r.Footer, whole.Footer)
			require.Len(t, whole.Events, c.events)
			require.Equal(t, "id", whole.Header.Build)
			found := r.Footer.Verdict.Violations
			require.Equal(t, c.property, found[len(found)-1].Property)
			require.Equal(t, []int{c.events}, found[len(found)-1].Events)
		})
	}
}

func TestWhatTheHarnessIsToBlameForStaysAnError(t *testing.T) {
	p := plan.Default()
	ours, theirs := nilPointer+running+caller, nilPointer+running+newest
	for name, c := range map[string]struct {
		stderr []string
		says   string
	}{
		"the harness panics":      {[]string{ours}, "guest crashed"},
		"the second run goes on":  {[]string{theirs, ""}, "nondeterminism"},
		"it ends in another way":  {[]string{theirs, remain + waiting + shutDown}, "nondeterminism"},
		"then the harness panics": {[]string{theirs, ours}, "nondeterminism"},
		"there is no trace of it": {[]string{theirs}, "the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Engine(&dying{stderr: c.stderr}).Run(t.Context(), engine.Job{Plan: &p})
			require.ErrorContains(t, err, c.says)
		})
	}
}
