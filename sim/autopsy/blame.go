package autopsy

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"dtsim/sim/trace"
)

// End is how the system has ended a run. Equal ends are the same defect: nothing in it
// depends on the machine or on what ran before.
type End struct {
	// Kind is [trace.Panicked] or [trace.LeftBehind].
	Kind trace.Kind
	// What are the words of the panic.
	What string
	// N is how many goroutines are left behind.
	N int
	// In is the innermost function of the system, At its file and line.
	In, At string
}

// String says it in a few words.
func (e End) String() string {
	if e.Kind == trace.LeftBehind {
		return fmt.Sprintf("%d goroutines left behind, one in %s at %s", e.N, e.In, e.At)
	}
	return fmt.Sprintf("a panic in %s at %s: %s", e.In, e.At, e.What)
}

// event is the last event of a run with that end.
func (e End) event() trace.Event {
	where := []trace.Field{trace.Str("in", e.In), trace.Str("at", e.At)}
	if e.Kind == trace.LeftBehind {
		return trace.Event{Kind: e.Kind, Fields: append([]trace.Field{trace.Int("n", int64(e.N))}, where...)}
	}
	return trace.Event{Kind: e.Kind, Fields: append([]trace.Field{trace.Str("what", e.What)}, where...)}
}

// Blame reads what a guest wrote to standard error when it crashed, and says how the
// system has ended the run; false when it is not the system that did.
//
// The innermost frame of a goroutine that lies in this module, or in hashicorp/raft,
// says whose it is: the standard library and small dependencies are tools of whoever
// calls them, and so are the clocks of nodes. Memory that runs out, a test of the runtime that fails, and a process in
// which every goroutine sleeps are nobody's in particular, which means the harness's.
func Blame(stderr string) (End, bool) {
	words, dump, ok := lastWords(stderr)
	if !ok {
		return End{}, false
	}
	all := goroutines(dump)
	if strings.HasPrefix(words, "deadlock: ") {
		return leftBehind(all)
	}
	if len(all) == 0 {
		return End{}, false
	}
	f, whose := all[0].innermost()
	if whose != theSystem && whose != rafts {
		return End{}, false
	}
	return End{Kind: trace.Panicked, What: words, In: f.name(), At: f.at()}, true
}

// fatal are the beginnings of the runtime's errors that, unlike the others, are mistakes
// of the program in the goroutine that runs.
var fatal = []string{"sync: ", "concurrent map ", "stack overflow"}

// lastWords cuts what a process says when it dies into the reason and the goroutines.
func lastWords(stderr string) (words, dump string, ok bool) {
	lines := strings.Split(stderr, "\n")
	for i, line := range lines {
		words, panicked := strings.CutPrefix(line, "panic: ")
		if !panicked {
			words, ok = strings.CutPrefix(line, "fatal error: ")
			if !ok || !slices.ContainsFunc(fatal, func(begin string) bool { return strings.HasPrefix(words, begin) }) {
				if ok {
					return "", "", false
				}
				continue
			}
		}
		rest := lines[i+1:]
		said := []string{words}
		for len(rest) > 0 && rest[0] != "" && !strings.HasPrefix(rest[0], "[signal ") && !strings.HasPrefix(rest[0], "goroutine ") {
			said, rest = append(said, strings.TrimSpace(rest[0])), rest[1:]
		}
		return neutral(strings.Join(said, " ")), strings.Join(rest, "\n"), true
	}
	return "", "", false
}

var (
	recovered = regexp.MustCompile(` \[recovered[^]]*\]`)
	address   = regexp.MustCompile(`0x[0-9a-f]+`)
	number    = regexp.MustCompile(`goroutine [0-9]+`)
	folder    = regexp.MustCompile(`/(?:[^\s/:()]+/)+`)
)

// neutral takes out of a message what differs from process to process and from machine
// to machine.
func neutral(words string) string {
	words = recovered.ReplaceAllString(words, "")
	words = address.ReplaceAllString(words, "0x_")
	words = number.ReplaceAllString(words, "goroutine _")
	return folder.ReplaceAllString(words, "")
}

// leftBehind says which goroutines of the system wait for ever. It is not the system's
// fault when one of them has called the harness, which does not return.
func leftBehind(all []goroutine) (End, bool) {
	var left []frame
	for _, g := range all {
		if !strings.Contains(g.state, "synctest bubble") || strings.HasPrefix(g.state, "running") {
			continue
		}
		switch f, whose := g.innermost(); {
		case whose == theSystem:
			left = append(left, f)
		case slices.ContainsFunc(g.frames, func(f frame) bool { return f.whose() == theSystem }):
			return End{}, false
		}
	}
	if len(left) == 0 {
		return End{}, false
	}
	first := slices.MinFunc(left, func(a, b frame) int { return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.name(), b.name())) })
	return End{Kind: trace.LeftBehind, N: len(left), In: first.name(), At: first.at()}, true
}

// goroutine is one of a dump.
type goroutine struct {
	// state is why it waits, and the like.
	state string
	// frames from the innermost out.
	frames []frame
}

// frame is a function that has not returned.
type frame struct {
	// function has the path of its package; line is the base of its file and the line.
	function, line string
}

var header = regexp.MustCompile(`^goroutine [0-9]+ .*?\[(.*)\]:$`)

// goroutines reads a dump.
func goroutines(dump string) (all []goroutine) {
	var at *goroutine
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		if m := header.FindStringSubmatch(line); m != nil {
			all = append(all, goroutine{state: m[1]})
			at = &all[len(all)-1]
			continue
		}
		place, isPlace := strings.CutPrefix(line, "\t")
		switch {
		case at == nil:
		case line == "" || strings.HasPrefix(line, "created by "):
			at = nil
		case isPlace:
			if n := len(at.frames); n > 0 && at.frames[n-1].line == "" {
				place, _, _ = strings.Cut(place, " ")
				at.frames[n-1].line = path.Base(strings.ReplaceAll(place, `\`, "/"))
			}
		default:
			if args := strings.LastIndexByte(line, '('); args > 0 {
				at.frames = append(at.frames, frame{function: line[:args]})
			}
		}
	}
	return all
}

// side is whose code something is.
type side int

const (
	nobodys side = iota
	theSystem
	theHarness
	// rafts is that of hashicorp/raft, to which the system gives stores and a machine: a node
	// that it brings down is down. Whom its goroutines wait for is for the harness to know.
	rafts
)

// module is the path of this module; the guest's program is the harness's.
const module = "dtsim/"

// whose says to whom a frame belongs.
func (f frame) whose() side {
	pkg := f.pkg()
	for _, system := range []string{"fsm", "sched"} {
		if pkg == module+system || strings.HasPrefix(pkg, module+system+"/") {
			return theSystem
		}
	}
	switch {
	case pkg == module+"sim/clock": // that panics like any clock, at what it is asked for
		return nobodys
	case pkg == "main" || strings.HasPrefix(pkg, module):
		return theHarness
	case pkg == "github.com/hashicorp/raft":
		return rafts
	}
	return nobodys
}

// pkg is the path of the frame's package.
func (f frame) pkg() string {
	dir, last := path.Split(f.function)
	last, _, _ = strings.Cut(last, ".")
	return dir + last
}

// name is the function, without the module.
func (f frame) name() string { return strings.TrimPrefix(f.function, module) }

// at is the file below the module's root, and the line.
func (f frame) at() string { return path.Join(strings.TrimPrefix(f.pkg(), module), f.line) }

// innermost returns the frame that says whose the goroutine is.
func (g goroutine) innermost() (frame, side) {
	for _, f := range g.frames {
		if whose := f.whose(); whose != nobodys {
			return f, whose
		}
	}
	return frame{}, nobodys
}
