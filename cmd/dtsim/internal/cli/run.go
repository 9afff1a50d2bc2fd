package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dtsim/scenarios/property"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/shrink"
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
	wall      time.Duration
	resume    string
	race      bool
	cover     string
	guest     guestFlags
	noShrink  bool
	budget    int
	report    bool
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

What violates a property is shrunk (see dtsim shrink), and violations that shrink to the
same failure are kept once. Every run that has ended is remembered in a journal in --out, so that a
campaign that was interrupted or killed can be continued with --resume.

Every campaign begins with two controls, a plan that must pass and one with a planted
violation that must be found, and makes one run in 16 twice; if a control fails, or the
two traces differ, the exit status is 3.

With --cover goroutines of the packages that are counted are not held up; all else is as without.

The hash at the end sums up all traces. It depends on the plans, the engine and
the build, and on nothing else: not on the machine's load, not on --jobs.`,
		Example: `  dtsim run                                        every scenario, 3 seeds each
  dtsim run --scenario journey-3 --seeds 50        one scenario, seeds 1 to 50
  dtsim run --scenario 'journey-*' --seeds 7..7 -v one seed of some, with their hashes
  dtsim run --scenario journey-1 --keep            keep plans and traces of passed runs, too
  dtsim run --plan my.plan.json                    a plan written by hand
  dtsim run --with github.com/hashicorp/raft@v1.7.1 with another version of a library
  dtsim run --for 10m                              as many seeds as fit
  dtsim run --report                               leave a page of it (see dtsim report)
  dtsim run --resume reports/out                   go on where the last campaign ended
  dtsim run --seeds 100 --json >result.json        for programs`,
		Args: noArgs("run", "--scenario"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			past, err := f.restore(cmd)
			if err != nil {
				return err
			}
			app, err := f.guest.application(nil)
			if err != nil {
				return err
			}
			w, err := f.work(app, cmd.Flags().Changed)
			if err != nil {
				return err
			}
			store := campaign.NewArchive(f.out)
			if cmd.Flags().Changed("out") || f.keep || f.report {
				if err := store.Probe(); err != nil {
					return err
				}
			}
			show := newProgress(env.Stderr, env.Bar, env.Now)
			o, err := f.guest.options(show.Note, f.race)
			if err != nil {
				return err
			}
			var counters *counting
			if f.cover != "" {
				if counters, err = newCounting(f.cover); err != nil {
					return err
				}
				defer counters.remove()
				o.Cover, o.CoverDir = app.Cover, counters.dir
			}
			e, err := env.open(cmd.Context(), app, f.engine, true, o)
			if err != nil {
				return err
			}
			defer e.close()

			spec := campaign.Spec{
				Application: app, Runs: w.runs, Engine: e.first, Second: e.second, Compare: w.compare, Controls: w.controls, For: f.wall,
				Jobs: f.jobs, Archive: store, KeepAll: f.keep, Watch: show.Done, Now: env.Now,
			}
			if past != nil {
				if err := resumed(spec.Resume(cmd.Context(), past), f.resume); err != nil {
					return err
				}
				show.Note(fmt.Sprintf("%d runs were done before", spec.Resumed()))
			}
			if spec.Journal, err = f.journal(cmd, past, show.Note); err != nil {
				return err
			}
			defer spec.Journal.Close()
			total := len(w.runs) - spec.Resumed()
			head := summaryHead{Command: typed(args), Engine: e.first.Name(), Seeds: w.seeds.String(), For: f.wall}
			if app.Profile != "" {
				if head.Profile, err = property.ProfileNamed(app.Profile); err != nil {
					return err
				}
			}
			if e.second != nil {
				head.Second = e.second.Name()
				total += len(w.compare)
			}
			if f.wall > 0 {
				total = -1
			}
			show.Start(total)
			result := campaign.Execute(cmd.Context(), spec)
			show.Stop()
			if f.wall > 0 && len(result.Asked) > 0 {
				head.Seeds = seeds{w.seeds.first, result.Asked[len(result.Asked)-1].Run.Seed}.String()
			}
			if !f.noShrink {
				f.distinct(cmd.Context(), env, app, &e, store, show, &result)
			}

			*status = result.Status()
			d := newRunDocument(head, result)
			if counters != nil {
				e.close() // that is when guests write what they have counted
				if d.Cover, err = counters.collect(cmd.Context()); err != nil {
					return err
				}
			}
			if err := f.conclude(d, spec.Journal); err != nil {
				return err
			}
			words := env.Stdout
			if f.json {
				words = env.Stderr
			}
			printSummary(words, head, result, f.verbose, env.Color && !f.json)
			if counters != nil {
				printCover(words, d.Cover, f.cover)
			}
			if f.report {
				if err := reportTo(env, words, &subject{path: f.out, folder: f.out, campaign: &d, ended: true}); err != nil {
					return err
				}
			}
			if f.json {
				return printJSON(env, d)
			}
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
	flags.DurationVar(&f.wall, "for", 0, "begin runs for this long, `10m`, on seeds from 1 upwards or those of --seeds")
	flags.StringVar(&f.resume, "resume", "", "continue the campaign in this `directory`, which was interrupted or killed")
	flags.BoolVar(&f.race, "race", false, "look for data races: the native engine with the race detector")
	flags.StringVar(&f.cover, "cover", "", "count what native runs enter of the shipped packages, and write a `profile` for go tool cover")
	f.guest.add(flags)
	flags.BoolVar(&f.noShrink, "no-shrink", false, "keep violations as they were found")
	flags.IntVar(&f.budget, "shrink-budget", 600, "how many `runs` may be spent to shrink what is found")
	flags.BoolVar(&f.report, "report", false, "leave a page of the campaign in --out, and one of each failure")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list every run with its hash")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// resumed words an error of resuming the campaign in a directory.
func resumed(err error, dir string) error {
	var not *campaign.NotResumable
	if errors.As(err, &not) {
		return badUsage("--resume %s: %w", dir, not)
	}
	return err
}

// distinct shrinks the violations of a campaign and makes them distinct failures.
func (f *runFlags) distinct(ctx context.Context, env *Environment, app *campaign.Application, e *engines, store campaign.Archive, show progress, result *campaign.Result) {
	var found []*campaign.Outcome
	for _, list := range [][]campaign.Outcome{result.Asked, result.Compared, result.Controls} {
		for i := range list {
			if list[i].State == campaign.Violated {
				found = append(found, &list[i])
			}
			if less := list[i].Ablation; less != nil {
				found = append(found, less)
			}
		}
	}
	spec := campaign.Collector{
		Application: app, Engine: e.byName, Archive: store, Jobs: f.jobs, Budget: f.budget,
		Watch: func(what string, s shrink.Step) { show.Step(stepWords(what, s)) },
	}
	if app.NativeOnly == "" {
		spec.Sealed = func() (engine.Engine, error) { return e.pinning(ctx, env) }
	}
	result.Distinct = spec.Collect(ctx, found)
	show.Stop()
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
		words = append(words, campaign.Quote(a))
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
