package tried

import (
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/coverage"
	"dtsim/sim/trace/event"
)

// state is that of the task which a command is about, before the command.
type state int

const (
	absent state = iota
	otherRun
	started
	preparing
	swapping
	finished
	failed
	cancelled
	foreign
)

var stateNames = []string{"no record", "another run on record", "STARTED", "PREPARING", "SWAPPING", "FINISHED", "FAILED", "CANCELLED", "a status of a newer version"}

func (s state) String() string { return stateNames[s] }

// stateOf returns the state of a run that is on record.
func stateOf(s taskevent.TaskStatus) state {
	if s == taskevent.Absent {
		return absent
	}
	if i := slices.Index(stateNames, string(s)); i >= 0 {
		return state(i)
	}
	return foreign
}

var (
	active   = []state{started, preparing, swapping}
	terminal = []state{finished, failed, cancelled}
	gone     = []state{absent, otherRun}
)

// outcome is what the log has made of a command.
type outcome int

const (
	accepted outcome = iota
	permanent
	retryable
	remembered
	refused
)

var outcomeNames = []string{"accepted", "rejected permanently", "rejected for now", "remembered", "refused by the session"}

func outcomeOf(c *taskevent.Command) outcome {
	switch {
	case taskevent.OfSessions(c.Verdict):
		return refused
	case c.Duplicate:
		return remembered
	case c.Accepted:
		return accepted
	case c.Verdict.Class == event.ClassPermanent:
		return permanent
	}
	return retryable
}

// caseNames are the names of what can become of a command, by outcome and state.
var caseNames = func() (all [][]string) {
	for _, name := range outcomeNames {
		var of []string
		for _, s := range stateNames {
			of = append(of, name+", "+s)
		}
		all = append(all, of)
	}
	return all
}()

// commandRow is a kind of commands, and in which states each outcome is possible.
type commandRow struct {
	name                           string
	accepted, permanent, retryable []state
}

// The kinds of commands that have the same name in the log.
const (
	unitFailed        = taskevent.CommandUnitCompletion + " of a failure"
	preparationFailed = taskevent.CommandPreparationAck + " of a failure"
	swapFailed        = taskevent.CommandPostAck + " of a failure"
	cleanUpByForce    = taskevent.CommandCleanUpTask + " whatever its age"
	flip              = taskevent.CommandUpdateProperty + " by a task"
	swapTenants       = taskevent.CommandUpdateProperty + " of tenants by a task"
	freeze            = taskevent.CommandUpdateTenants + " to frozen"
	thaw              = taskevent.CommandUpdateTenants + " to hot"
)

func these(lists ...[]state) []state { return slices.Concat(lists...) }
func one(s state) []state            { return []state{s} }

// commandTable is what fsm and fsm/replica can make of each command. The states of commands of the
// schema are those of the task that they are about: the one in whose name they are, or else one
// that works on the collection, an active one if there is one.
var commandTable = []commandRow{
	{taskevent.CommandAddTask, these(one(absent), terminal), these(one(absent), active, terminal, one(foreign)), these(one(absent), active, terminal, one(foreign))},
	{taskevent.CommandCancelTask, one(started), these(gone, one(preparing), one(swapping), terminal, one(foreign)), nil},
	{taskevent.CommandCleanUpTask, terminal, gone, these(active, terminal, one(foreign))},
	{cleanUpByForce, terminal, gone, these(active, one(foreign))},
	{taskevent.CommandUnitProgress, one(started), these(gone, active, terminal, one(foreign)), nil},
	{taskevent.CommandUnitCompletion, one(started), these(gone, active, terminal, one(foreign)), nil},
	{unitFailed, one(started), these(gone, active, terminal, one(foreign)), nil},
	{taskevent.CommandPreparationAck, these(active, terminal), gone, one(foreign)},
	{preparationFailed, these(active, terminal), gone, one(foreign)},
	{taskevent.CommandPostAck, these(one(started), one(swapping), terminal), gone, []state{preparing, foreign}},
	{swapFailed, these(one(started), one(swapping), terminal), these(gone, one(swapping)), []state{preparing, foreign}},
	{taskevent.CommandMarkFinalized, []state{swapping, finished}, these(gone, []state{failed, cancelled}), these(active, one(foreign))},
	{taskevent.CommandMarkFailed, these(active, one(failed)), these(gone, []state{swapping, finished, cancelled}), one(foreign)},
	{taskevent.CommandCreateCollection, one(absent), one(absent), these(one(absent), active, terminal, one(foreign))},
	{taskevent.CommandDropCollection, these(one(absent), active, terminal, one(foreign)), nil, these(one(absent), active, one(foreign))},
	{taskevent.CommandUpdateProperty, these(one(absent), active, terminal), one(absent), these(one(absent), active, one(foreign))},
	{flip, these(gone, one(swapping), one(finished)), gone, []state{absent, started, preparing, swapping, failed}},
	{swapTenants, these(gone, one(started), one(swapping), one(finished)), gone, []state{absent, started, preparing, swapping, failed, cancelled}},
	{taskevent.CommandAddTenants, these(one(absent), active, terminal, one(foreign)), one(absent), these(one(absent), active, terminal)},
	{freeze, these(one(absent), active, terminal), one(absent), these(one(absent), active, one(foreign))},
	{thaw, these(one(absent), active, terminal, one(foreign)), nil, these(one(absent), active)},
	{taskevent.CommandDeleteTenants, these(one(absent), active, terminal), one(absent), these(one(absent), active, one(foreign))},
}

func commandRows() []coverage.Possibility {
	var all []coverage.Possibility
	for _, row := range commandTable {
		for o, states := range [][]state{row.accepted, row.permanent, row.retryable} {
			for _, s := range states {
				all = append(all, rows(partCommand, row.name, caseNames[o][s])...)
			}
		}
		all = append(all, rows(partCommand, row.name, outcomeNames[remembered], outcomeNames[refused])...)
	}
	return all
}

// command counts a command that the log has just taken in.
func (o *Observer) command(log *projection.Log) {
	c := log.Command
	became := outcomeOf(c)
	what := outcomeNames[became]
	if became < remembered {
		what = caseNames[became][stateBefore(c, log)]
	}
	o.counts[key{partCommand, kindOf(c), what}]++
}

// kindOf returns the kind of a command, one of those of the table.
func kindOf(c *taskevent.Command) string {
	other := ""
	switch c.Name {
	case taskevent.CommandUnitCompletion:
		if c.Error != "" {
			other = unitFailed
		}
	case taskevent.CommandPreparationAck:
		if !c.Success {
			other = preparationFailed
		}
	case taskevent.CommandPostAck:
		if !c.Success {
			other = swapFailed
		}
	case taskevent.CommandCleanUpTask:
		if c.CleanedUpAt == 0 {
			other = cleanUpByForce
		}
	case taskevent.CommandUpdateProperty:
		switch {
		case c.Migration != nil && len(c.Tenants) > 0:
			other = swapTenants
		case c.Migration != nil:
			other = flip
		}
	case taskevent.CommandUpdateTenants:
		if other = freeze; c.ShardStatus == "HOT" {
			other = thaw
		}
	}
	if other != "" {
		return other
	}
	return c.Name
}

// stateBefore returns the state of what the command is about, before it. The log has folded the
// command itself, and not yet what it has left of tasks.
func stateBefore(c *taskevent.Command, log *projection.Log) state {
	switch {
	case c.Name == taskevent.CommandAddTask:
		if r := log.Current[taskevent.Key{Namespace: c.Namespace, Task: c.ID}]; r != nil {
			return stateOf(r.Status)
		}
		return absent
	case c.OfTask():
		return stateOfRun(c.Run(), log)
	case c.Migration != nil:
		return stateOfRun(c.Migration.Run(), log)
	}
	found := absent
	for _, r := range log.Order {
		if r.Gone || log.Current[r.ID.Key()] != r || !r.Touches(c.Class, "") {
			continue
		}
		if found = stateOf(r.Status); r.Active() {
			break
		}
	}
	return found
}

// stateOfRun returns the state of a run that a command names.
func stateOfRun(id taskevent.Run, log *projection.Log) state {
	if r := log.Runs[id]; r != nil && !r.Gone {
		return stateOf(r.Status)
	}
	if log.Current[id.Key()] != nil {
		return otherRun
	}
	return absent
}
