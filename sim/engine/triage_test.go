package engine

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// The beginnings and ends of the output of a process that dies.
const (
	nilPointer = "panic: runtime error: invalid memory address or nil pointer dereference [recovered, repanicked]\n" +
		"[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x7ca2f1]\n\n"
	blocked = "panic: deadlock: all goroutines in bubble are blocked [recovered, repanicked]\n\n"
	remain  = "panic: deadlock: main bubble goroutine has exited but blocked goroutines remain\n\n"
	endless = "panic: " + event.Endless + "10m0s\n\n"
	locked  = "goroutine 52 [sync.Mutex.Lock (durable), synctest bubble 3]:\nsync.runtime_SemacquireMutex(0xc0001, 0x0?)\n\t/go/src/runtime/sema.go:95 +0x2e\n"
	ticking = "goroutine 53 [select (durable), synctest bubble 3]:\n"
	running = "goroutine 41 [running, synctest bubble 3]:\n"
	waiting = "goroutine 52 [sync.WaitGroup.Wait (durable), synctest bubble 3]:\nsync.runtime_SemacquireWaitGroup(0xc0001, 0x0?)\n\t/go/src/runtime/sema.go:114 +0x2e\n"
	others  = "\ngoroutine 1 [chan receive]:\ndtsim/sched.other(0x1)\n\t/home/me/dtsim/sched/other.go:1 +0x1\n"

	decode    = "encoding/json.(*decodeState).object(0xc0001, {0x7b, 0x5})\n\t/go/src/encoding/json/decode.go:700 +0x12\n"
	protowire = "google.golang.org/protobuf/encoding/protowire.ConsumeTag(...)\n\t/home/me/mod/protowire/wire.go:78\n"
	newest    = "dtsim/sched.newestRecords({0xc0001, 0x4, 0x4})\n\t/home/me/dtsim/sched/pass.go:66 +0x5b\n"
	serve     = "dtsim/fsm/replica.(*Client).Serve(0x0, {0x1, 0x2})\n\tC:/me/dtsim/fsm/replica/serve.go:32 +0x6c\n"
	shutDown  = "dtsim/sched.(*Scheduler).shutDown.func1()\n\t/home/me/dtsim/sched/scheduler.go:192 +0x25\n"
	network   = "dtsim/sim/network.(*Endpoint).Forward(0xc0001)\n\t/home/me/dtsim/sim/network/forward.go:50 +0x12\n"
	raft      = "github.com/hashicorp/raft.(*Raft).run(0xc0001)\n\t/home/me/mod/raft/raft.go:140 +0x12\n"
	gossip    = "github.com/hashicorp/memberlist.(*Memberlist).triggerFunc(0xc0001)\n\t/home/me/mod/memberlist/state.go:150 +0x12\n"
	future    = "github.com/hashicorp/raft.(*deferError).Error(0xc0001)\n\t/home/me/mod/raft/future.go:111 +0x12\n"
	sleep     = "time.Sleep(0x1)\n\t/go/src/runtime/time.go:338 +0x12\ndtsim/sim/clock.(*Clock).Sleep(0xc0001, 0x1)\n\t/home/me/dtsim/sim/clock/clock.go:100 +0x12\n"
	clock     = "dtsim/sim/clock.(*Clock).NewTicker(0xc0001, 0x0)\n\t/home/me/dtsim/sim/clock/clock.go:80 +0x12\n"
	lookalike = "dtsim/scheduled.run()\n\t/home/me/dtsim/scheduled/run.go:1 +0x12\n"
	caller    = "dtsim/sim/cluster.(*Cluster).Stop(0xc0001)\n\t/home/me/dtsim/sim/cluster/run.go:170 +0x12\n" + bySystem
	bySystem  = "created by dtsim/sched.(*Scheduler).Start in goroutine 7\n\t/home/me/dtsim/sched/scheduler.go:120 +0x1\n"
	byHarness = "created by dtsim/sim/cluster.(*Node).Start in goroutine 7\n\t/home/me/dtsim/sim/cluster/node.go:120 +0x1\n"
	byItself  = "created by github.com/hashicorp/memberlist.(*Memberlist).schedule in goroutine 7\n\t/home/me/mod/memberlist/state.go:100 +0x1\n"
)

// ours is the system of these tests.
var ours = system{"dtsim/fsm", "dtsim/sched", "github.com/hashicorp/raft"}

func TestACrashIsAttributed(t *testing.T) {
	const nilWords = "runtime error: invalid memory address or nil pointer dereference"
	panicked := func(what, in, at string) ending { return ending{kind: trace.Panicked, what: what, in: in, at: at} }
	left := func(n int, in, at string) ending { return ending{kind: trace.LeftBehind, n: n, in: in, at: at} }
	inNewest := panicked(nilWords, "sched.newestRecords", "sched/pass.go:66")
	inServe := panicked(nilWords, "fsm/replica.(*Client).Serve", "fsm/replica/serve.go:32")
	inRaft := panicked(nilWords, "github.com/hashicorp/raft.(*Raft).run", "github.com/hashicorp/raft/raft.go:140")
	inGossip := panicked(nilWords, "github.com/hashicorp/memberlist.(*Memberlist).triggerFunc", "github.com/hashicorp/memberlist/state.go:150")
	shutDownLeft := func(n int) ending { return left(n, "sched.(*Scheduler).shutDown.func1", "sched/scheduler.go:192") }
	raftLeft := left(1, "github.com/hashicorp/raft.(*Raft).run", "github.com/hashicorp/raft/raft.go:140")
	gossipLeft := left(1, "github.com/hashicorp/memberlist.(*Memberlist).triggerFunc", "github.com/hashicorp/memberlist/state.go:150")
	for name, c := range map[string]struct {
		stderr string
		want   ending // zero for the harness
	}{
		// Panics.
		"the system panics":                   {nilPointer + running + newest + caller + others, inNewest},
		"behind what a test prints":           {"--- FAIL: Guest (0.00s)\n" + nilPointer + running + serve + caller, inServe},
		"in the standard library":             {nilPointer + running + decode + newest + caller, inNewest},
		"in a tool that the system uses":      {nilPointer + running + protowire + serve + caller, inServe},
		"with addresses, paths and numbers":   {"panic: goroutine 7 at 0xc000123 reads /home/me/x/file.go:3\n\tagain [recovered]\n\n" + running + newest, panicked("goroutine _ at 0x_ reads file.go:3 again", "sched.newestRecords", "sched/pass.go:66")},
		"in the clock, by a bad argument":     {nilPointer + running + clock + newest, inNewest},
		"in the clock, called by the harness": {nilPointer + running + clock + network + newest, ending{}},
		"a lock is unlocked twice":            {"fatal error: sync: unlock of unlocked mutex\n\n" + running + newest, panicked("sync: unlock of unlocked mutex", "sched.newestRecords", "sched/pass.go:66")},
		"the harness panics":                  {nilPointer + running + caller + others, ending{}},
		"the harness, called by the system":   {nilPointer + running + network + newest + caller, ending{}},
		"a tool that the harness uses":        {nilPointer + running + protowire + network + newest, ending{}},
		"raft panics, called by the harness":  {nilPointer + running + raft + caller, inRaft},
		"raft panics, called by the system":   {nilPointer + running + raft + serve + caller, inRaft},
		"a library panics by itself":          {nilPointer + running + gossip + byItself, inGossip},
		"a library, called by a go statement": {nilPointer + running + gossip + bySystem, inGossip},
		"the same of the harness":             {nilPointer + running + gossip + byHarness, ending{}},
		"a package with a similar name":       {nilPointer + running + lookalike + newest, ending{}},
		"a program that is no part of either": {nilPointer + running + "main.run()\n\t/x/main.go:1 +0x1\n" + newest, ending{}},
		"there is no memory":                  {"fatal error: runtime: out of memory\n\n" + running + newest, ending{}},
		"every goroutine sleeps":              {"fatal error: all goroutines are asleep - deadlock!\n\n" + waiting + shutDown, ending{}},
		// Goroutines that wait forever.
		"a goroutine is left behind":            {remain + "goroutine 9 [running]:\n" + caller + "\n" + waiting + shutDown, shutDownLeft(1)},
		"the first one waits, too":              {blocked + "goroutine 9 [running]:\n" + caller + "\n" + waiting + shutDown, shutDownLeft(1)},
		"two are, and a worker":                 {remain + waiting + shutDown + "\n" + waiting + network + "\n" + waiting + shutDown, shutDownLeft(2)},
		"the harness leaves one behind":         {remain + waiting + network, ending{}},
		"raft waits":                            {remain + waiting + raft, raftLeft},
		"raft does not return to the harness":   {remain + waiting + future + caller, left(1, "github.com/hashicorp/raft.(*deferError).Error", "github.com/hashicorp/raft/future.go:111")},
		"a library waits":                       {remain + waiting + gossip + byItself, gossipLeft},
		"a library and the system":              {remain + waiting + gossip + byItself + "\n" + waiting + shutDown, left(2, "github.com/hashicorp/memberlist.(*Memberlist).triggerFunc", "github.com/hashicorp/memberlist/state.go:150")},
		"a tool of the harness waits, too":      {remain + waiting + shutDown + "\n" + waiting + gossip + network, shutDownLeft(1)},
		"a tool of the harness waits":           {remain + waiting + gossip + network, ending{}},
		"a go statement of a library":           {remain + waiting + byItself, left(1, "github.com/hashicorp/memberlist.(*Memberlist).schedule", "github.com/hashicorp/memberlist/state.go:100")},
		"a go statement of the system":          {remain + waiting + bySystem, left(1, "sched.(*Scheduler).Start", "sched/scheduler.go:120")},
		"a go statement of the harness":         {remain + waiting + byHarness, ending{}},
		"the system sleeps by a clock":          {remain + waiting + sleep + shutDown, shutDownLeft(1)},
		"the harness does not return":           {remain + waiting + shutDown + "\n" + waiting + network + newest, ending{}},
		"the harness does not return to raft":   {remain + waiting + shutDown + "\n" + waiting + network + raft, ending{}},
		"nor to a library":                      {remain + waiting + shutDown + "\n" + waiting + network + gossip, ending{}},
		"the harness, called through the clock": {remain + waiting + shutDown + "\n" + waiting + sleep + network, shutDownLeft(1)},
		"a lock, and others go on by timers":    {endless + locked + raft + "\n" + waiting + gossip + "\n" + waiting + network + raft, raftLeft},
		"a lock of the harness":                 {endless + locked + network, ending{}},
		"a lock, and all who call the harness":  {endless + locked + raft + "\n" + locked + network + serve, raftLeft},
		"a lock that one has who calls it":      {endless + locked + raft + "\n" + locked + network + raft + serve, ending{}},
		"channels, and others go on by timers":  {endless + ticking + gossip + "\n" + waiting + raft, raftLeft},
		"all go on by timers":                   {endless + ticking + gossip, ending{}},
		"one of another bubble":                 {remain + others, ending{}},
		"nothing is printed":                    {"", ending{}},
		"it ends in the middle":                 {"panic: words", ending{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ours.attribute(c.stderr)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != ending{}, ok)
		})
	}
}

// A whole dump: the Raft library's transfer of leadership leaves two goroutines behind.
func TestADumpOfARaftThatLeavesGoroutinesBehindIsAttributed(t *testing.T) {
	dump, err := os.ReadFile("testdata/dumps/transfer-wedge.txt")
	require.NoError(t, err)
	got, ok := ours.attribute(string(dump))
	require.True(t, ok)
	require.Equal(t, ending{kind: trace.LeftBehind, n: 2, in: "github.com/hashicorp/raft.(*Raft).leadershipTransfer", at: "github.com/hashicorp/raft/raft.go:1003"}, got)
	require.Equal(t, "2 goroutines left behind, one in github.com/hashicorp/raft.(*Raft).leadershipTransfer at github.com/hashicorp/raft/raft.go:1003", got.String())
	got, ok = ours[:2].attribute(string(dump))
	require.True(t, ok, "any library's goroutines count")
	require.Equal(t, 2, got.n)
}

// dying is a [runner] whose guest dies in a run.
type dying struct {
	// stderr is what one run after the other prints; the last is that of all later ones.
	stderr []string
	trace  []byte
	spilt  []bool
}

func (d *dying) run(_ context.Context, _ Job, spill bool) (Result, error) {
	printed := d.stderr[min(len(d.spilt), len(d.stderr)-1)]
	d.spilt = append(d.spilt, spill)
	times := Result{Wall: time.Minute, CPU: time.Second}
	if printed == "" {
		return times, nil
	}
	dead := &GuestError{Engine: "native", How: Crashed, Stderr: printed}
	if spill {
		dead.recorded = d.trace
	}
	return times, dead
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

// nothingEndsIt judges runs that the system must not end.
func nothingEndsIt(_ *plan.Plan, rec *trace.Recorder) func() trace.Verdict {
	var found []trace.Violation
	rec.Watch(func(e trace.Event) {
		found = append(found, trace.Violation{Property: string(e.Kind), Message: "ended", At: e.At, Events: []int{e.Seq}})
	}, trace.Panicked, trace.LeftBehind)
	return func() trace.Verdict {
		rec.Count("judged/runs", 1)
		return trace.Verdict{Passed: len(found) == 0, Violations: found}
	}
}

func TestARunThatTheSystemEndsHasATraceAndAVerdict(t *testing.T) {
	p := plan.Default()
	for name, c := range map[string]struct {
		stderr string
		trace  []byte
		kind   trace.Kind
		events int
	}{
		"a panic":            {nilPointer + running + newest, recorded(t, &p, false), trace.Panicked, 3},
		"a line is cut off":  {nilPointer + running + newest, bytes.TrimSuffix(recorded(t, &p, false), []byte("}\n")), trace.Panicked, 2},
		"one is left behind": {remain + waiting + shutDown, recorded(t, &p, true), trace.LeftBehind, 3},
		"the run had no end": {remain + waiting + shutDown, recorded(t, &p, false), trace.LeftBehind, 3},
		"nothing had an end": {nilPointer + running + newest, recorded(t, &p, true), trace.Panicked, 3},
	} {
		t.Run(name, func(t *testing.T) {
			guest := &dying{stderr: []string{c.stderr}, trace: c.trace}
			r, err := Options{System: ours, Judge: nothingEndsIt}.triaged(t.Context(), Job{Plan: &p}, guest.run)
			require.NoError(t, err)
			require.Equal(t, []bool{false, true}, guest.spilt)
			whole, err := trace.Read(bytes.NewReader(r.Trace))
			require.NoError(t, err)
			require.Equal(t, r.Footer, whole.Footer)
			require.Equal(t, time.Minute, r.Wall)
			require.Equal(t, time.Second, r.CPU)
			require.Len(t, whole.Events, c.events)
			require.Equal(t, "id", whole.Header.Build)
			require.Equal(t, int64(1), r.Footer.Counters["judged/runs"])
			require.Len(t, r.Footer.Verdict.Violations, 1)
			found := r.Footer.Verdict.Violations[0]
			require.Equal(t, string(c.kind), found.Property)
			require.Equal(t, []int{c.events}, found.Events)
		})
	}
}

func TestWhatCannotBeAttributedToTheSystemStaysAnError(t *testing.T) {
	p := plan.Default()
	harness, sys := nilPointer+running+caller, nilPointer+running+newest
	for name, c := range map[string]struct {
		stderr []string
		judge  trace.Judge
		text   string
	}{
		"the harness panics":      {[]string{harness}, nothingEndsIt, "guest crashed"},
		"there is no judge":       {[]string{sys}, nil, "guest crashed"},
		"the second run goes on":  {[]string{sys, ""}, nothingEndsIt, "nondeterminism"},
		"it ends in another way":  {[]string{sys, remain + waiting + shutDown}, nothingEndsIt, "nondeterminism"},
		"then the harness panics": {[]string{sys, harness}, nothingEndsIt, "nondeterminism"},
		"there is no trace of it": {[]string{sys}, nothingEndsIt, "the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			guest := &dying{stderr: c.stderr}
			_, err := Options{System: ours, Judge: c.judge}.triaged(t.Context(), Job{Plan: &p}, guest.run)
			require.ErrorContains(t, err, c.text)
		})
	}
}
