package trace

import "dtsim/sim/plan"

// Judge attaches to the recorder of a run of p what judges and counts its events. It is
// called before the first event. The function that it returns is called once, after the
// last event and before the recorder is closed: it puts the counters into the footer and
// returns the verdict, which depends on the plan and the events alone.
type Judge func(p *plan.Plan, rec *Recorder) (finish func() Verdict)
