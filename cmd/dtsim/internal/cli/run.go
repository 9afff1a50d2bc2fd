package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/cmd/dtsim/internal/campaign"
	"dtsim/cmd/dtsim/internal/progress"
	"dtsim/cmd/dtsim/internal/summary"
)

// runFlags are the flags of `dtsim run`.
type runFlags struct {
	scenarios []string
	plan      string
	seeds     string
	nodes     int
	engine    string
	jobs      int
	out       string
	keep      bool
	verbose   bool
	json      bool
}

func newRun(env *Environment, args []string, status *int) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run scenarios or a plan and check every promise and property",
		Long: `Run scenarios, or a plan from a file, over a range of seeds. Every run must keep the
promises of its plan and the properties of the system; what does not is kept in a
folder with its plan, its trace and the one command that replays it.

The engine "auto" is the native one, fast and deterministic for one build, and
repeats one run of each scenario under the sealed one, a WebAssembly sandbox, to
compare verdicts. Where the native engine does not fit the installed Go, the
sealed one runs everything. The first use of an engine builds it, which takes a
minute or two.

The table counts virtual and wall time of the runs, the commands that were
committed and the messages that left a node.

The hash at the end sums up all traces. It depends on the plans, the engine and
the build, and on nothing else: not on the machine's load, not on --jobs.`,
		Example: `  dtsim run                                        every scenario, 3 seeds each
  dtsim run --scenario journey-3 --seeds 50        one scenario, seeds 1 to 50
  dtsim run --scenario 'journey-*' --seeds 7..7 -v one seed of some, with their hashes
  dtsim run --scenario journey-1 --keep            keep plans and traces of what held, too
  dtsim run --plan my.plan.json                    a plan written by hand
  dtsim run --seeds 100 --json >result.json        for programs`,
		Args: noArgs("run", "--scenario"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := f.work(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			store := archive.New(f.out)
			if cmd.Flags().Changed("out") || f.keep {
				if err := store.Probe(); err != nil {
					return err
				}
			}
			show := progress.New(env.Stderr, env.Bar, env.Now)
			e, err := env.open(cmd.Context(), f.engine, true, show.Note)
			if err != nil {
				return err
			}
			defer e.close()

			spec := campaign.Spec{
				Runs: w.runs, Engine: e.first, Second: e.second, Compare: w.compare,
				Jobs: f.jobs, Archive: store, KeepAll: f.keep, Watch: show.Done, Now: env.Now,
			}
			total := len(w.runs)
			head := summary.Head{Command: typed(args), Engine: e.first.Name(), Seeds: w.seeds.String()}
			if e.second != nil {
				head.Second = e.second.Name()
				total += len(w.compare)
			}
			show.Start(total)
			result := campaign.Execute(cmd.Context(), spec)
			show.Stop()

			*status = result.Status()
			if f.json {
				summary.Words(env.Stderr, head, result, f.verbose, false)
				return printJSON(env, summary.NewDocument(head, result))
			}
			summary.Words(env.Stdout, head, result, f.verbose, env.Color)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&f.scenarios, "scenario", "s", nil, "run the scenarios of this `name` or pattern; may be repeated (default: all)")
	flags.StringVarP(&f.plan, "plan", "p", "", "run the plan in this `file`")
	flags.StringVarP(&f.seeds, "seeds", "n", "3", "how many seeds (`N` or A..B), for a plan: instead of its own seed")
	flags.IntVar(&f.nodes, "nodes", 0, "number of nodes, 1 to 9 (default: the scenario's choice)")
	flags.StringVarP(&f.engine, "engine", "e", auto, "auto, native or sealed")
	flags.IntVarP(&f.jobs, "jobs", "j", env.Jobs, "how many runs go on at once")
	flags.StringVarP(&f.out, "out", "o", "reports/out", "`directory` for the runs that are kept")
	flags.BoolVarP(&f.keep, "keep", "k", false, "keep every run, not only violations")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list every run with its hash")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// noArgs refuses arguments; instead names the flag that was probably meant.
func noArgs(command, instead string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return nil
		case instead != "":
			return badUsage("%s takes no arguments; did you mean %s %s?", command, instead, args[0])
		}
		return badUsage("%s takes no arguments, but there is %q", command, args[0])
	}
}

// typed is the command as it was typed.
func typed(args []string) string {
	words := []string{"dtsim"}
	for _, a := range args {
		words = append(words, archive.Quote(a))
	}
	return strings.Join(words, " ")
}

// printJSON prints one document on standard output.
func printJSON(env *Environment, doc any) error {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("the JSON document: %w", err)
	}
	if _, err := env.Stdout.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
