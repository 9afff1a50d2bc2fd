package tasks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bounds of what a configuration may ask for.
const (
	MaxNodes  = 6
	MaxTasks  = 3
	MaxUnits  = 16
	MaxLag    = 2
	maxBudget = 15
)

// Config is how large the cluster is, what its tasks are like, and how often each
// thing may go wrong in one run. It is the JSON form of what a counterexample was
// found in.
type Config struct {
	// Name is how the configuration is asked for; any name for one that was put together.
	Name string `json:"name"`
	// Nodes (1 to MaxNodes) are named n1, n2, ...
	Nodes int `json:"nodes"`
	// Units (1 to MaxUnits) are those of each task, u1, u2, ... Unit i is a replica on
	// node 1 + (i-1) mod Nodes, unless nodes compete for units.
	Units int `json:"units"`
	// Tasks (1 to MaxTasks) are t1, t2, ...
	Tasks int `json:"tasks"`
	// Groups are g1, g2, ...; the units of one node spread over them. 1 is a task whose
	// units have no group.
	Groups int `json:"groups"`
	// Barrier gives the tasks a preparation phase.
	Barrier bool `json:"barrier"`
	// AcksOptional makes the tasks those of an older proposer, for which schedulers
	// alone guard the finish.
	AcksOptional bool `json:"acks_optional,omitempty"`
	// Compete lets every node claim any unit.
	Compete bool `json:"compete,omitempty"`
	// Conflict makes at most one task active: the detector of their namespace refuses
	// the others.
	Conflict bool `json:"conflict,omitempty"`
	// Overlap lets lists arrive while an action is under way, and replies come later
	// than commits.
	Overlap bool `json:"overlap,omitempty"`
	// Lag (0 to MaxLag) is by how many changes of a record a list may be too old.
	Lag int `json:"lag,omitempty"`
	// Drops lets commands of crashed or impatient callers vanish, too.
	Drops bool `json:"drops,omitempty"`
	// NeverCompletes makes every OnTaskCompleted fail, on every node and each time; an
	// operator may give tasks up.
	NeverCompletes bool `json:"never_completes,omitempty"`

	// What may happen in one run, and how often (0 to 15 each).

	// Crashes of any node at any time; it comes back.
	Crashes int `json:"crashes"`
	// LostReplies: a call ends in an error and its command commits later.
	LostReplies int `json:"lost_replies"`
	// Losses: a call ends in an error and its command never commits.
	Losses int `json:"losses"`
	// Errors of callbacks.
	Errors int `json:"errors"`
	// Interrupts: callbacks that end with context.Canceled.
	Interrupts int `json:"interrupts,omitempty"`
	// UnitFailures: workers that report failure.
	UnitFailures int `json:"unit_failures,omitempty"`
	// Cancels by a user.
	Cancels int `json:"cancels,omitempty"`
	// Reruns: the id of an ended task is added again.
	Reruns int `json:"reruns,omitempty"`
	// Expiries: the time to live of an ended task's record passes.
	Expiries int `json:"expiries,omitempty"`
	// Leaves: a node is gone for good, and an operator may give tasks up.
	Leaves int `json:"leaves,omitempty"`
}

// Validate returns the first thing that is wrong with the configuration.
func (c Config) Validate() error {
	within := func(what string, n, lo, hi int) error {
		if n < lo || n > hi {
			return fmt.Errorf("%s: %d is not from %d to %d", what, n, lo, hi)
		}
		return nil
	}
	err := errors.Join(
		within("nodes", c.Nodes, 1, MaxNodes),
		within("units", c.Units, 1, MaxUnits),
		within("tasks", c.Tasks, 1, MaxTasks),
		within("groups", c.Groups, 1, c.Units),
		within("lag", c.Lag, 0, MaxLag),
		within("leaves", c.Leaves, 0, min(maxBudget, c.Nodes)),
	)
	for _, b := range c.budgets() {
		err = errors.Join(err, within(b.name, b.n, 0, maxBudget))
	}
	if c.Compete && c.Barrier {
		err = errors.Join(err, errors.New("compete: units of a barrier task have their places"))
	}
	if c.Compete && c.NeverCompletes {
		err = errors.Join(err, errors.New("never-completes: nodes compete for units of a provider without callbacks"))
	}
	if err != nil {
		return fmt.Errorf("configuration %q: %w", c.Name, err)
	}
	return nil
}

// named is a budget with its name.
type named struct {
	name string
	n    int
}

// budgets are those of the configuration in the order of [fault].
func (c Config) budgets() []named {
	return []named{
		crashes: {"crashes", c.Crashes}, lostReplies: {"lost-replies", c.LostReplies}, losses: {"losses", c.Losses},
		callbackErrors: {"errors", c.Errors}, interrupts: {"interrupts", c.Interrupts}, unitFailures: {"unit-failures", c.UnitFailures},
		cancels: {"cancels", c.Cancels}, reruns: {"reruns", c.Reruns}, expiries: {"expiries", c.Expiries}, leaves: {"leaves", c.Leaves},
	}
}

// fault is one of the things that a budget bounds.
type fault uint8

const (
	crashes fault = iota
	lostReplies
	losses
	callbackErrors
	interrupts
	unitFailures
	cancels
	reruns
	expiries
	leaves
	faults
	free fault = 255 // costs nothing
)

// budget holds what is left of each fault, four bits each.
type budget uint64

func (b budget) left(f fault) int { return int(b>>(4*f)) & maxBudget }

func (b budget) has(f fault) bool { return f == free || b.left(f) > 0 }

func (b budget) spend(f fault) budget {
	if f == free {
		return b
	}
	return b - 1<<(4*f)
}

func (c Config) budget() budget {
	var all budget
	for f, b := range c.budgets() {
		all |= budget(b.n) << (4 * f)
	}
	return all
}

// Configs are the configurations that have a name.
func Configs() map[string]Config {
	all := map[string]Config{}
	for _, c := range []Config{
		{Name: "default", Nodes: 3, Units: 3, Barrier: true, Crashes: 1, LostReplies: 1, Errors: 1},
		{Name: "2n-liveness", Nodes: 2, Units: 2, Barrier: true, Crashes: 1, LostReplies: 1, Losses: 1, Errors: 1, Drops: true},
		{Name: "overlap", Nodes: 2, Units: 2, Barrier: true, Overlap: true, Crashes: 1, Errors: 1},
		{Name: "lag", Nodes: 2, Units: 2, Barrier: true, Lag: 1, Crashes: 1, Errors: 1},
		{Name: "rerun", Nodes: 2, Units: 2, Barrier: true, Crashes: 1, Reruns: 1},
		{Name: "cancel", Nodes: 2, Units: 2, Barrier: true, Crashes: 1, LostReplies: 1, UnitFailures: 1, Cancels: 1},
		{Name: "cleanup", Nodes: 2, Units: 2, Barrier: true, Drops: true, Crashes: 1, LostReplies: 1, Errors: 1, Expiries: 1},
		{Name: "operator", Nodes: 3, Units: 3, Barrier: true, Drops: true, Errors: 1, Leaves: 1},
		{Name: "groups", Nodes: 2, Units: 4, Groups: 2, Crashes: 1, UnitFailures: 1},
		{Name: "compete", Nodes: 2, Units: 3, Compete: true, Crashes: 1, LostReplies: 1, Expiries: 1},
		{Name: "older-proposer", Nodes: 2, Units: 2, Barrier: true, AcksOptional: true, Crashes: 1, LostReplies: 1, Errors: 1},
		{Name: "two-tasks", Nodes: 2, Units: 2, Tasks: 2, Barrier: true, Conflict: true, Errors: 1, Reruns: 2},
		{Name: "large", Nodes: 6, Units: 12, Tasks: 3, Groups: 2, Barrier: true, Overlap: true, Lag: 2, Drops: true, Crashes: 3, LostReplies: 3,
			Losses: 2, Errors: 2, Interrupts: 2, UnitFailures: 1, Cancels: 1, Reruns: 2, Expiries: 2, Leaves: 1},
	} {
		all[c.Name] = c.withDefaults()
	}
	return all
}

// Names are the names of [Configs], sorted.
func Names() []string { return slices.Sorted(maps.Keys(Configs())) }

// withDefaults fills in what is one unless it is given.
func (c Config) withDefaults() Config {
	c.Tasks, c.Groups = max(c.Tasks, 1), max(c.Groups, 1)
	return c
}

// Arguments are the flags of `dtsim check` that ask for the configuration.
func (c Config) Arguments() []string {
	c = c.withDefaults()
	args := []string{fmt.Sprintf("--nodes %d --units %d", c.Nodes, c.Units)}
	add := func(name string, n, none int) {
		if n != none {
			args = append(args, fmt.Sprintf("--%s %d", name, n))
		}
	}
	add("tasks", c.Tasks, 1)
	add("groups", c.Groups, 1)
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"barrier", c.Barrier}, {"compete", c.Compete}, {"conflict", c.Conflict}, {"acks-optional", c.AcksOptional},
		{"overlap", c.Overlap}, {"drops", c.Drops}, {"never-completes", c.NeverCompletes},
	} {
		if f.on {
			args = append(args, "--"+f.name)
		}
	}
	add("lag", c.Lag, 0)
	for _, b := range c.budgets() {
		add(b.name, b.n, 0)
	}
	return args
}

// Summary describes the configuration in one line.
func (c Config) Summary() string {
	c = c.withDefaults()
	count := func(n int, one, more string) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %s", n, more)
	}
	words := []string{count(c.Nodes, "node", "nodes"), count(c.Units, "unit", "units")}
	if c.Tasks > 1 {
		words = append(words, count(c.Tasks, "", "tasks"))
	}
	if c.Groups > 1 {
		words = append(words, count(c.Groups, "", "groups"))
	}
	for _, f := range []struct {
		on   bool
		word string
	}{
		{c.Barrier, "barrier"}, {c.AcksOptional, "acks optional"}, {c.Compete, "nodes compete"}, {c.Conflict, "tasks conflict"},
		{c.Overlap, "lists overlap actions"}, {c.Lag > 0, fmt.Sprintf("lists lag by %d", c.Lag)}, {c.Drops, "commands vanish"}, {c.NeverCompletes, "OnTaskCompleted never succeeds"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	var faults []string
	for _, b := range []struct {
		n         int
		one, more string
	}{
		{c.Crashes, "crash", "crashes"}, {c.LostReplies, "lost reply", "lost replies"}, {c.Losses, "lost command", "lost commands"},
		{c.Errors, "callback error", "callback errors"}, {c.Interrupts, "interrupt", "interrupts"},
		{c.UnitFailures, "unit failure", "unit failures"}, {c.Cancels, "cancel", "cancels"}, {c.Reruns, "re-run", "re-runs"},
		{c.Expiries, "expiry", "expiries"}, {c.Leaves, "node gone for good", "nodes gone for good"},
	} {
		if b.n > 0 {
			faults = append(faults, count(b.n, b.one, b.more))
		}
	}
	if len(faults) == 0 {
		return strings.Join(words, ", ")
	}
	return strings.Join(words, ", ") + "; " + strings.Join(faults, ", ")
}
