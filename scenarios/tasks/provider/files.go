package provider

import (
	"net/url"
	"strconv"
	"strings"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
)

// The files of a run: run/<kind>/<task>/<version> holds its payload while there is
// anything of it on the node, unit/<kind>/<task>/<version>/<unit> records that the
// work on a unit is durable, ended/<kind>/<task>/<version> that OnTaskCompleted has
// come to its end.

// perRun is the name of what is there once for a run.
type perRun string

const (
	runs perRun = "run/"
	ends perRun = "ended/"
)

// of is what the names of all runs of a kind begin with.
func (f perRun) of(kind taskplan.Kind) string { return string(f) + url.PathEscape(string(kind)) + "/" }

func (f perRun) file(run Run) string { return string(f) + runPath(run) }

// parse is the inverse of file.
func (f perRun) parse(kind taskplan.Kind, name string) (fsm.TaskDescriptor, bool) {
	task, version, found := strings.Cut(strings.TrimPrefix(name, f.of(kind)), "/")
	id, err := url.PathUnescape(task)
	n, numErr := strconv.ParseUint(version, 10, 64)
	return fsm.TaskDescriptor{ID: id, Version: n}, found && err == nil && numErr == nil
}

func runPath(run Run) string {
	return url.PathEscape(run.Namespace) + "/" + url.PathEscape(run.Task) + "/" + strconv.FormatUint(run.Version, 10)
}

func unitsPrefix(run Run) string { return "unit/" + runPath(run) + "/" }

func unitFile(run Run, unit string) string { return unitsPrefix(run) + url.PathEscape(unit) }
