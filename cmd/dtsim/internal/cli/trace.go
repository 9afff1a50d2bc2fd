package cli

import (
	"time"

	"github.com/spf13/cobra"

	"dtsim/reports/columns"
	"dtsim/reports/story"
	"dtsim/sim/trace"
)

// traceFlags say whether a run is printed, and what of it.
type traceFlags struct {
	on          bool
	from, until time.Duration
	tasks       []string
	nodes       []string
	kinds       []string
	width       int
}

// about are the flags that say something about --trace.
var about = []string{"from", "until", "task", "node", "kinds", "width"}

// unasked is how wide a run is printed when nobody says and there is no terminal.
const unasked = 120

func (f *traceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&f.on, "trace", "t", false, "print the run, one column a node")
	flags.DurationVar(&f.from, "from", 0, "with --trace: from this time of the run on")
	flags.DurationVar(&f.until, "until", 0, "with --trace: up to this time of the run")
	flags.StringSliceVar(&f.tasks, "task", nil, "with --trace: only what is about these `tasks`, namespace/id or id")
	flags.StringSliceVar(&f.nodes, "node", nil, "with --trace: only these `nodes`")
	flags.StringSliceVar(&f.kinds, "kinds", nil, "with --trace: only these `kinds` of events; +kind for one more; all for all")
	flags.IntVar(&f.width, "width", 0, "with --trace: how wide a line may be (default: the terminal's)")
}

// check says what is wrong with the flags.
func (f *traceFlags) check(cmd *cobra.Command, asJSON bool) error {
	for _, name := range about {
		if cmd.Flags().Changed(name) && !f.on {
			return badUsage("--%s says what --trace prints, which is not asked for", name)
		}
	}
	switch {
	case f.on && asJSON:
		return badUsage("--trace prints for people, --json for programs: one of the two")
	case f.width < 0 || f.width > 0 && f.width < columns.Narrowest:
		return badUsage("--width %d: a line has %d characters at least", f.width, columns.Narrowest)
	}
	return nil
}

// print prints a run. It is the last that can be wrong with the flags: whether the run
// has what they ask for.
func (f *traceFlags) print(env *Environment, t *trace.Trace) error {
	s, err := story.New(t)
	if err != nil {
		return err
	}
	width := f.width
	if width == 0 {
		width = env.Width
	}
	if width == 0 {
		width = unasked
	}
	table, err := columns.New(s, columns.Options{
		Width: width, Color: env.Color, From: f.from, Until: f.until, Tasks: f.tasks, Nodes: f.nodes, Kinds: f.kinds,
	})
	if err != nil {
		return badUsage("%w", err)
	}
	return table.Write(env.Stdout)
}
