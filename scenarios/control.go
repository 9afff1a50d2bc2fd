package scenarios

import (
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// Controls returns two scenarios about the harness itself, which are in no list. Both
// are the same small run. One promises what comes of it; the other promises what
// cannot come of it, and if that does not violate task-ends, the promises are not checked.
func Controls() (holds, fails Scenario) {
	return Scenario{
			Name:    "control",
			Summary: "a small task finishes, and that is what is promised",
			write:   func(d *draft) { control(d, "FINISHED") },
		}, Scenario{
			Name:    "planted",
			Summary: "a small task finishes, and the promise is that it is cancelled",
			write:   func(d *draft) { control(d, "CANCELLED") },
		}
}

// Planted is the promise that the second of [Controls] breaks, and no other.
const Planted = taskplan.TaskEnds

func control(d *draft, ends string) {
	t := &taskplan.Task{
		Kind:        taskplan.Cleanup,
		ID:          "clean-files",
		Files:       6,
		MinUnitTime: plan.Duration(100 * time.Millisecond),
		MaxUnitTime: plan.Duration(300 * time.Millisecond),
		Parallel:    2,
	}
	d.add(t)
	d.promise(ending(t, ends))
	d.now += 2 * schedulerTick
}
