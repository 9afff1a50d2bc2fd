package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"dtsim/sim/campaign"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
)

// shrinkFlags are the flags of `dtsim shrink`.
type shrinkFlags struct {
	out      string
	property string
	engine   string
	jobs     int
	budget   int
	race     bool
	guest    guestFlags
	json     bool
}

// shrinkDocument is what `dtsim shrink --json` prints.
type shrinkDocument struct {
	Property  string        `json:"property"`
	Message   string        `json:"message"`
	Before    string        `json:"before"`
	After     string        `json:"after"`
	Runs      int           `json:"runs"`
	Elements  int           `json:"elements"`
	Minimal   bool          `json:"minimal"`
	Statement string        `json:"statement"`
	Engine    string        `json:"engine"`
	Entropy   uint64        `json:"entropy"`
	Passes    []shrink.Pass `json:"passes"`
	// Plan is the file that was written, Document the plan when none was.
	Plan     string     `json:"plan,omitempty"`
	Document *plan.Plan `json:"document,omitempty"`
}

func newShrink(env *Environment, status *int) *cobra.Command {
	var f shrinkFlags
	cmd := &cobra.Command{
		Use:   "shrink FAILURE|PLAN|TRACE",
		Short: "Make a plan that violates a property small",
		Long: `Make a plan that violates a property small: faults, operations, nodes, shards and
units go, times move together, settings go back to their defaults, as long as the
same property is violated. At the end every single element that is left is taken away
once more, to prove that the violation needs all of them.

What to shrink is a plan, a trace, or the folder that dtsim run made of a failure (it
is shrunk already, unless the budget was spent). Violations of a promise keep their
workload, and those seen at the end of a run the quiet time before it.

The result goes to --out, or to standard output. The exit status is 1 if the property
is violated, as with every command, and 0 if the plan violates nothing.`,
		Example: `  dtsim shrink my.plan.json -o small.plan.json
  dtsim shrink reports/out/P5-journey-3-seed-7-3f2a91c0
  dtsim shrink run.trace.jsonl.zst -o scenarios/testdata/regressions/early-swap.plan.json
  dtsim shrink my.plan.json --property P8 --budget 2000`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("shrink takes one plan, trace or folder; there are %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.jobs < 1 {
				return badUsage("--jobs %d: must be at least 1", f.jobs)
			}
			if f.budget < 0 {
				return badUsage("--budget %d: must not be negative", f.budget)
			}
			want, err := readRecord(failureFile(args[0]), f.engine)
			if err != nil {
				return err
			}
			app, err := f.guest.application(want.past)
			if err != nil {
				return err
			}
			show := newProgress(env.Stderr, env.Bar, env.Now)
			o, err := f.guest.options(show.Note, f.race)
			if err != nil {
				return err
			}
			e, err := env.open(cmd.Context(), app, want.engine, false, o)
			if err != nil {
				return err
			}
			defer e.close()
			property := f.property
			if past := want.past; property == "" && past != nil && !past.Footer.Verdict.Passed {
				property = app.Cause(want.job.Plan, past.Footer.Verdict.Violations).Property
			}
			result, err := app.Shrink(cmd.Context(), want.job.Plan, shrink.Options{
				Oracle: app.Oracle(e.first, want.job.Entropy), Stalls: app.Stalls(e.first, want.job.Entropy), Property: property, Jobs: f.jobs, Budget: f.budget,
				Watch: func(s shrink.Step) { show.Step(stepWords(want.job.Plan.Name, s)) },
			})
			show.Stop()
			switch {
			case errors.Is(err, shrink.ErrHolds):
				fmt.Fprintf(env.Stderr, "%s: %v; there is nothing to shrink\n", args[0], err)
				*status = statusPassed
				return nil
			case cmd.Context().Err() != nil && err != nil:
				return errors.New("interrupted before anything was found")
			case err != nil:
				return err
			}
			*status = statusViolated
			if f.out != "" {
				if err := campaign.WriteFile(f.out, plan.Encode(result.Plan)); err != nil {
					return err
				}
			}
			words := env.Stdout
			if f.json || f.out == "" {
				words = env.Stderr
			}
			fmt.Fprintf(words, "%s violated at %s: %s\n", result.Violation.Property, result.Violation.At, firstLine(result.Violation.Message))
			fmt.Fprintf(words, "before  %s\nafter   %s\n%s\n", result.Before, result.After, result.Statement())
			if entropy := want.job.Entropy; entropy != campaign.Entropy(result.Plan) {
				fmt.Fprintf(words, "note: all runs had entropy %d, which is the trace's; a plan alone runs under its seed, %d\n", entropy, result.Plan.Seed)
			}
			if f.out != "" {
				fmt.Fprintf(words, "replay: go run ./cmd/dtsim replay %s\n", campaign.Quote(f.out))
			}
			switch {
			case f.json:
				d := shrinkDocument{
					Property: result.Violation.Property, Message: result.Violation.Message, Before: result.Before.String(),
					After: result.After.String(), Runs: result.Runs, Elements: result.Elements, Minimal: result.Minimal,
					Statement: result.Statement(), Engine: e.first.Name(), Entropy: want.job.Entropy, Passes: result.Passes, Plan: f.out,
				}
				if f.out == "" {
					d.Document = result.Plan
				}
				return printJSON(env, d)
			case f.out == "":
				_, err = env.Stdout.Write(plan.Encode(result.Plan))
				return err
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.out, "out", "o", "", "write the plan to this `file`")
	flags.StringVar(&f.property, "property", "", "the `property` to keep (default: the trace's first, or the first that a run violates)")
	flags.StringVarP(&f.engine, "engine", "e", "", "auto, native or sealed (default: the trace's, auto for a plan)")
	flags.IntVarP(&f.jobs, "jobs", "j", env.Jobs, "how many runs go on at once")
	flags.IntVar(&f.budget, "budget", 0, "how many runs may be spent (default: no bound)")
	flags.BoolVar(&f.race, "race", false, "look for data races: the native engine with the race detector")
	f.guest.add(flags)
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// failureFile returns the file that stands for an argument: for a folder, its
// trace, or its plan when it has none.
func failureFile(name string) string {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return name
	}
	files := []string{filepath.Join(name, campaign.TraceFile), filepath.Join(name, campaign.PlanFile)}
	i := slices.IndexFunc(files, func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	})
	return cmp.Or(append(files[max(i, 0):], name)...)
}

// stepWords describes how far a shrinking is.
func stepWords(what string, s shrink.Step) string {
	return fmt.Sprintf("shrinking %s: %s after %d runs (%s)", what, s.Size, s.Runs, s.Pass)
}

func firstLine(s string) string {
	line, _, _ := bytes.Cut([]byte(s), []byte("\n"))
	return string(line)
}
