package cli

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"dtsim/reports/export"
	"dtsim/reports/timeline"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// traceFlags are the flags of printing a run.
type traceFlags struct {
	on          bool
	from, until time.Duration
	tasks       []string
	nodes       []string
	kinds       []string
	width       int
}

// about are the flags that need --trace.
var about = []string{"from", "until", "task", "node", "kinds", "width"}

// defaultWidth is the width of a line without --width and without a terminal.
const defaultWidth = 120

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

// check returns what is wrong with the flags.
func (f *traceFlags) check(cmd *cobra.Command, asJSON bool) error {
	for _, name := range about {
		if cmd.Flags().Changed(name) && !f.on {
			return badUsage("--%s needs --trace", name)
		}
	}
	switch {
	case f.on && asJSON:
		return badUsage("--trace and --json exclude each other")
	case f.width < 0 || f.width > 0 && f.width < export.MinWidth:
		return badUsage("--width %d: must be at least %d", f.width, export.MinWidth)
	}
	return nil
}

// foresee returns what is wrong with the flags before a run is repeated: for its plan, and
// if there is one, for the trace of the past.
func (f *traceFlags) foresee(env *Environment, p *plan.Plan, past *trace.Trace) error {
	if !f.on {
		return nil
	}
	if past != nil {
		_, err := f.table(past, f.options(env))
		return err
	}
	if err := f.options(env).Check(p.Cluster.NodeNames()); err != nil {
		return badUsage("%w", err)
	}
	return nil
}

// print prints a run. Whether it has the tasks of --task may only be known now.
func (f *traceFlags) print(env *Environment, t *trace.Trace) error {
	table, err := f.table(t, f.options(env))
	if err != nil {
		return err
	}
	return table.Write(env.Stdout)
}

func (f *traceFlags) table(t *trace.Trace, o export.ColumnOptions) (*export.Columns, error) {
	s, err := timeline.New(t)
	if err != nil {
		return nil, err
	}
	table, err := export.NewColumns(s, o)
	if err != nil {
		return nil, badUsage("%w", err)
	}
	return table, nil
}

// options returns the options of the flags.
func (f *traceFlags) options(env *Environment) export.ColumnOptions {
	return export.ColumnOptions{
		Width: cmp.Or(f.width, env.Width, defaultWidth), Color: env.Color,
		From: f.from, Until: f.until, Tasks: f.tasks, Nodes: f.nodes, Kinds: f.kinds,
	}
}
