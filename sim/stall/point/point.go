// Package point is what instrumented code calls: the points at which a goroutine may be
// held up, and the clock of its node.
//
// Package sim/engine/build writes the calls into copies of the packages that are to be
// instrumented. In virtual time code takes none, so that a goroutine is never held up
// between two statements; at a point it can be. Who is held up where and for how long is
// decided by the run, which installs itself with [Install].
//
// Every goroutine has an owner, which it inherits from the goroutine that started it: the
// incarnation of a node, or nobody. A goroutine that belongs to nobody is never held up, and
// its clock is that of the bubble.
//
// The package imports nothing but the standard library: instrumented packages import it,
// whatever they are. In a program that was not built by package sim/engine/build it does
// nothing.
package point

import "fmt"

// Owner identifies whom a goroutine belongs to; zero for nobody.
type Owner uint32

// Run is a run that decides about goroutines.
type Run interface {
	// At is called by a goroutine of that owner at each point that it reaches while points
	// are [Armed], and returns when it may go on.
	At(Owner, Site)
	// Clock returns the clock that a goroutine of that owner reads.
	Clock(Owner) Clock
}

// Site is a point in the source of an instrumented package.
type Site uint32

// The variables are written between bubbles and by one goroutine at a time within them:
// instrumented programs have one P. What reads and writes them is not for the race detector, and must
// not order goroutines, which would hide the races of others from it.
var (
	current Run
	armed   bool
	sites   []place
)

// place is where a site stands.
type place struct {
	pkg, at string
	locked  bool
}

// Available reports whether the program was built so that goroutines have owners.
func Available() bool { return available }

// Install makes r decide about the goroutines of the process; nil for nobody. Points are not
// armed afterwards.
//
//go:norace
func Install(r Run) { current, armed = r, false }

// Arm makes points call the run, or not.
//
//go:norace
func Arm(on bool) { armed = on && current != nil }

// exempt marks an owner whose goroutine is not held up, though those that it starts are.
const exempt Owner = 1 << 31

// Exempt lets the calling goroutine pass all points, though not those that it starts, until undo is
// called.
func Exempt() (undo func()) {
	before := owner()
	setOwner(before | uint32(exempt))
	return func() { setOwner(before) }
}

// Own makes an owner that of the calling goroutine and of those that it starts from now on,
// and returns the owner before.
func Own(o Owner) (before Owner) {
	before = Owner(owner())
	setOwner(uint32(o))
	return before
}

// At is a point.
//
//go:norace
func At(s Site) {
	if armed {
		at(s)
	}
}

//go:norace
func at(s Site) {
	if o := Owner(owner()); o != 0 && o&exempt == 0 {
		current.At(o, s)
	}
}

// Register adds the sites of an instrumented package, whose first one has the number first; locked are
// the positions of those at which the function holds a lock. Instrumented packages call it when they are
// initialized.
func Register(pkg string, first Site, at []string, locked []int) {
	end := int(first) + len(at)
	if end > len(sites) {
		sites = append(sites, make([]place, end-len(sites))...)
	}
	for i, where := range at {
		s := int(first) + i
		if sites[s].pkg != "" {
			panic(fmt.Sprintf("point: site %d of %s is one of %s", s, pkg, sites[s].pkg))
		}
		sites[s] = place{pkg: pkg, at: where}
	}
	for _, i := range locked {
		sites[int(first)+i].locked = true
	}
}

// Sites returns how many sites there are. They are numbered from zero.
func Sites() int { return len(sites) }

// String returns where the site stands: the function, by the last element of the package's path,
// and the line, like "raft.(*Raft).dispatchLogs:1263".
func (s Site) String() string { return sites[s].at }

// Locked reports whether the function in which the site stands has taken a lock before it, and
// releases it behind. Locks that its callers hold do not count.
func (s Site) Locked() bool { return sites[s].locked }
