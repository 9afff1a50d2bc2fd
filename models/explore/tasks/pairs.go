package tasks

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// toggle is one thing of a [Config] that pairs of flags turn on.
type toggle struct {
	name string
	// set turns it on, and with it what it means nothing without.
	set func(*Config)
}

// switches are all of a [Config] that can be on or off, but for the barrier: every pair is
// searched with it and without.
var switches = []toggle{
	{"compete", func(c *Config) { c.Compete = true }},
	{"conflict", func(c *Config) { c.Conflict, c.Tasks, c.Reruns = true, 2, 1 }},
	{"acks-optional", func(c *Config) { c.AcksOptional = true }},
	{"overlap", func(c *Config) { c.Overlap = true }},
	{"lag", func(c *Config) { c.Lag = 1 }},
	{"drops", func(c *Config) { c.Drops, c.LostReplies = true, 1 }},
	{"never-completes", func(c *Config) { c.NeverCompletes = true }},
	{"crashes", func(c *Config) { c.Crashes = 1 }},
	{"lost-replies", func(c *Config) { c.LostReplies = 1 }},
	{"losses", func(c *Config) { c.Losses = 1 }},
	{"errors", func(c *Config) { c.Errors = 1 }},
	{"interrupts", func(c *Config) { c.Interrupts = 1 }},
	{"unit-failures", func(c *Config) { c.UnitFailures = 1 }},
	{"cancels", func(c *Config) { c.Cancels = 1 }},
	{"reruns", func(c *Config) { c.Reruns = 1 }},
	{"expiries", func(c *Config) { c.Expiries = 1 }},
	{"leaves", func(c *Config) { c.Leaves = 1 }},
	{"groups", func(c *Config) { c.Groups = 2 }},
	{"tasks", func(c *Config) { c.Tasks = 2 }},
}

// FlagNames are the flags that [Pairs] pairs, without the barrier.
func FlagNames() []string {
	names := make([]string, len(switches))
	for i := range switches {
		names[i] = switches[i].name
	}
	return names
}

// scale gives a cluster with flags the smallest scope in which they mean something: two
// nodes of a unit each. With two tasks only one node has a unit, and there is no other one
// unless nodes compete, leave, or hear of tasks that conflict (where lists overlap actions as
// well that is 10,265,031 states: one node has to do). With groups one node has a
// unit more, so that it has both.
func (c *Config) scale() {
	c.Nodes, c.Units = 2, 2
	if c.Tasks > 1 {
		c.Units = 1
		if !c.Compete && c.Leaves == 0 && (!c.Conflict || c.Overlap) {
			c.Nodes = 1
		}
	}
	if c.Groups > 1 {
		c.Units = c.Nodes + 1
	}
}

// Pair is a cluster in which two flags are on, of the smallest scope in which both mean
// something, with one of each fault.
type Pair struct {
	// First and Second are names of flags. Second is empty for the barrier and one flag.
	First, Second string
	Barrier       bool
	// Config is the cluster. It has a name of its own.
	Config Config
	// Senseless is why the pair is not searched; empty for one that is.
	Senseless string
	// States and Transitions are how many there are, with symmetry and reduction; 0 for
	// what is not known.
	States, Transitions uint64
}

// Name names the pair.
func (p Pair) Name() string { return p.Config.Name }

// Flags are those that are on, the barrier first.
func (p Pair) Flags() []string { return strings.Split(p.Config.Name, "+") }

// Pairs are all pairs of flags: each with the barrier and without, and the barrier with each
// flag. Each cluster is there once, under the first pair that makes it.
func Pairs() []Pair {
	var all []Pair
	known := knownCounts()
	made := map[Config]string{}
	add := func(p Pair, flags ...toggle) {
		c := Config{Barrier: p.Barrier}.withDefaults()
		var names []string
		if p.Barrier {
			names = append(names, "barrier")
		}
		for _, f := range flags {
			f.set(&c)
			names = append(names, f.name)
		}
		c.scale()
		p.Senseless = senseless(names)
		if by, there := made[c]; there && p.Senseless == "" {
			p.Senseless = "is " + by
		}
		p.Config, p.Config.Name = c, strings.Join(names, "+")
		if p.Senseless == "" {
			made[c] = p.Config.Name
		}
		n := known[p.Config.Name]
		p.States, p.Transitions = n[0], n[1]
		all = append(all, p)
	}
	for i, one := range switches {
		add(Pair{First: one.name, Barrier: true}, one)
		for _, other := range switches[i+1:] {
			for _, barrier := range []bool{false, true} {
				add(Pair{First: one.name, Second: other.name, Barrier: barrier}, one, other)
			}
		}
	}
	return all
}

// senseless returns why flags mean nothing together; nothing if they do.
func senseless(names []string) string {
	for _, s := range []struct{ one, other, why string }{
		{"compete", "barrier", "a unit of a barrier task has its place"},
		{"compete", "groups", "what competes for units has no callbacks of groups"},
		{"compete", "errors", "what competes for units has no callbacks that fail"},
		{"compete", "interrupts", "what competes for units has no callbacks that are interrupted"},
		{"compete", "never-completes", "what competes for units has no OnTaskCompleted"},
	} {
		if slices.Contains(names, s.one) && slices.Contains(names, s.other) {
			return s.why
		}
	}
	return ""
}

// counted are the states and transitions of every pair, a line each. The tests write and
// check it.
//
//go:embed pairs.txt
var counted string

func knownCounts() map[string][2]uint64 {
	known := map[string][2]uint64{}
	for line := range strings.Lines(counted) {
		var name string
		var n [2]uint64
		if _, err := fmt.Sscan(line, &name, &n[0], &n[1]); err != nil {
			panic(fmt.Sprintf("tasks: pairs.txt: %q: %s", line, err))
		}
		known[name] = n
	}
	return known
}
