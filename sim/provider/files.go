package provider

import (
	"net/url"
	"strconv"
	"strings"

	"dtsim/fsm"
	"dtsim/sim/plan"
)

// The files of a run: run/<kind>/<task>/<version> holds its payload while there is
// anything of it on the node, unit/<kind>/<task>/<version>/<unit> says that the
// work on a unit is durable.

func runsPrefix(kind plan.Kind) string { return "run/" + url.PathEscape(string(kind)) + "/" }

func runPath(run Run) string {
	return url.PathEscape(run.Namespace) + "/" + url.PathEscape(run.Task) + "/" + strconv.FormatUint(run.Version, 10)
}

func runFile(run Run) string { return "run/" + runPath(run) }

func unitsPrefix(run Run) string { return "unit/" + runPath(run) + "/" }

func unitFile(run Run, unit string) string { return unitsPrefix(run) + url.PathEscape(unit) }

// parseRunFile is the inverse of runFile.
func parseRunFile(kind plan.Kind, name string) (fsm.TaskDescriptor, bool) {
	task, version, found := strings.Cut(strings.TrimPrefix(name, runsPrefix(kind)), "/")
	id, err := url.PathUnescape(task)
	n, numErr := strconv.ParseUint(version, 10, 64)
	return fsm.TaskDescriptor{ID: id, Version: n}, found && err == nil && numErr == nil
}
