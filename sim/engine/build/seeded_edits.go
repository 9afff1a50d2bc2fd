package build

// runtimeEdit replaces one piece of text in one file of the standard library.
type runtimeEdit struct {
	// name is what the edit is about, for an error message.
	name string
	// file is below GOROOT/src.
	file     string
	old, new string
}

// runtimeEdits are applied in order. The helpers that they call are in the folder added.
var runtimeEdits = []runtimeEdit{
	// Draws. Those whose number depends on what ran earlier in the process (a cache
	// that is filled on first use makes maps) are no streams: hash seeds are one
	// constant, and where an iteration starts is a hash of the instant and the map's
	// size.
	{
		name: "start-up seed",
		file: "runtime/rand.go",
		old:  "\tglobalRand.state.Init(*seed)\n",
		new:  "\tclear(seed[:])\n\tseed[0] = 1\n\tglobalRand.state.Init(*seed)\n",
	},
	{
		name: "hash seeds",
		file: "runtime/rand.go",
		old:  "func rand() uint64 {\n",
		new:  "func rand() uint64 {\n\tif dtsimSeeded {\n\t\treturn dtsimHashSeed\n\t}\n",
	},
	{
		name: "start of a map iteration",
		file: "internal/runtime/maps/table.go",
		old:  "\tit.entryOffset = rand()\n\tit.dirOffset = rand()\n",
		new:  "\tit.entryOffset = dtsimIterStart(m.used)\n\tit.dirOffset = it.entryOffset >> 32\n",
	},
	{
		name: "math/rand",
		file: "math/rand/rand.go",
		old:  "//go:linkname runtime_rand runtime.rand\n",
		new:  "//go:linkname runtime_rand runtime.dtsimRand\n",
	},
	{
		name: "math/rand/v2",
		file: "math/rand/v2/rand.go",
		old:  "//go:linkname runtime_rand runtime.rand\n",
		new:  "//go:linkname runtime_rand runtime.dtsimRand\n",
	},
	{
		name: "choice of a select",
		file: "runtime/select.go",
		old:  "\t\tj := cheaprandn(uint32(norder + 1))\n",
		new:  "\t\tj := dtsimRandn(gp, dtsimSelect, uint32(norder+1))\n",
	},
	{
		name: "timers of one instant",
		file: "runtime/time.go",
		old:  "\t\t\tt.rand = cheaprand()\n",
		new:  "\t\t\tt.rand = uint32(getg().bubble.dtsimNext(dtsimTimer))\n",
	},

	// The run queue, shuffled by the bubble that a goroutine belongs to.
	{
		name: "scheduler randomness",
		file: "runtime/proc.go",
		old:  "const randomizeScheduler = raceenabled\n",
		new:  "const randomizeScheduler = false\n",
	},
	{
		name: "order of the run queue",
		file: "runtime/proc.go",
		old:  "\tif randomizeScheduler && next && randn(2) == 0 {\n",
		new:  "\tif next && gp.bubble != nil && dtsimRandn(gp, dtsimRunq, 2) == 0 {\n",
	},

	// Wall time: what the monitor thread, the scavenger (which returns memory to the
	// system and would take turns on the run queue), and a mutex do when something
	// takes long.
	{
		name: "no scavenger in the background",
		file: "runtime/mgcscavenge.go",
		old:  "func (s *scavengerState) wake() {\n\tlock(&s.lock)\n\tif s.parked {\n",
		new:  "func (s *scavengerState) wake() {\n\tlock(&s.lock)\n\tif s.parked && !dtsimSeeded {\n",
	},
	{
		name: "no preemption and no retaking by the monitor",
		file: "runtime/proc.go",
		old:  "\t\tif pp == nil || atomic.Load(&pp.status) != _Prunning {\n",
		new:  "\t\tif pp == nil || dtsimBubbles.Load() != 0 || atomic.Load(&pp.status) != _Prunning {\n",
	},
	{
		name: "starvation of a mutex",
		file: "internal/sync/mutex.go",
		old:  "\tstarvationThresholdNs = 1e6\n",
		new:  "\tstarvationThresholdNs = 1 << 62\n",
	},

	// The life of a bubble.
	{
		name: "state of a bubble",
		file: "runtime/synctest.go",
		old:  "\trunning int // non-blocked goroutines\n",
		new:  "\trunning int // non-blocked goroutines\n\tdtsim   [dtsimStreams]uint64\n",
	},
	{
		name: "start of a bubble",
		file: "runtime/synctest.go",
		old:  "\tbubble.now = synctestBaseTime\n",
		new:  "\tbubble.now = synctestBaseTime\n\tbubble.dtsimStart()\n",
	},
	{
		name: "end of a bubble",
		file: "runtime/synctest.go",
		old:  "\t\tgp.bubble = nil\n\t}()\n\n\t// This is newproc, ",
		new:  "\t\tgp.bubble = nil\n\t\tdtsimBubbles.Add(-1)\n\t}()\n\n\t// This is newproc, ",
	},
	{
		name: "idle instants of a bubble",
		file: "runtime/synctest.go",
		old:  "\tfor {\n\t\tunlock(&bubble.mu)\n",
		new:  "\tfor {\n\t\tunlock(&bubble.mu)\n\t\tdtsimIdle()\n",
	},

	// A context's children are a map keyed by address; cancel them oldest first.
	{
		name: "children of a context: type",
		file: "context/context.go",
		old:  "\tchildren map[canceler]struct{} // set to nil by the first cancel call\n",
		new:  "\tchildren map[canceler]uint64 // set to nil by the first cancel call\n",
	},
	{
		name: "children of a context: make",
		file: "context/context.go",
		old:  "\t\t\t\tp.children = make(map[canceler]struct{})\n",
		new:  "\t\t\t\tp.children = make(map[canceler]uint64)\n",
	},
	{
		name: "children of a context: add",
		file: "context/context.go",
		old:  "\t\t\tp.children[child] = struct{}{}\n",
		new:  "\t\t\tp.children[child] = dtsimBirth.Add(1)\n",
	},
	{
		name: "children of a context: cancel",
		file: "context/context.go",
		old:  "\tfor child := range c.children {\n",
		new:  "\tfor _, child := range dtsimByAge(c.children) {\n",
	},
}

// ownerEdits let every goroutine have an owner, and make waiting for a lock durable: virtual
// time goes on while whoever holds the lock is held up. In a bubble, where nobody outside can
// release it, that is right; and a lock that is held for ever is a deadlock like any other.
var ownerEdits = []runtimeEdit{
	{
		name: "owner of a goroutine",
		file: "runtime/runtime2.go",
		old:  "\tbubble  *synctestBubble\n",
		new:  "\tbubble  *synctestBubble\n\tdtsimOwner uint32\n",
	},
	{
		name: "owner of a new goroutine",
		file: "runtime/proc.go",
		old:  "\tnewg.parentGoid = callergp.goid\n",
		new:  "\tnewg.parentGoid = callergp.goid\n\tnewg.dtsimOwner = callergp.dtsimOwner &^ dtsimExempt\n",
	},
	{
		name: "locks are durable",
		file: "runtime/runtime2.go",
		old:  "\twaitReasonSyncCondWait:          true,\n",
		new:  "\twaitReasonSyncCondWait:          true,\n\twaitReasonSyncMutexLock:         true,\n\twaitReasonSyncRWMutexLock:       true,\n\twaitReasonSyncRWMutexRLock:      true,\n",
	},
}
