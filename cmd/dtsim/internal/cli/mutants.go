package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dtsim/reports/schema"
	"dtsim/scenarios"
	"dtsim/scenarios/mutation"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
)

// mutantsFlags are the flags of `dtsim mutants`.
type mutantsFlags struct {
	only      string
	dir       string
	budget    time.Duration
	detectors []string
	seeds     int
	// generated and semantic are how many generated mutants are added, sample the seed that
	// chooses them.
	generated int
	semantic  int
	sample    uint64
	jobs      int
	out       string
	keep      string
	json      bool
}

// resultsFile is where the table of all mutants is kept.
const resultsFile = "scenarios/mutation/RESULTS.md"

func newMutants(env *Environment, args []string, status *int) *cobra.Command {
	var f mutantsFlags
	cmd := &cobra.Command{
		Use:   "mutants",
		Short: "Plant known defects and measure which checks find them, and how fast",
		Long: `Plant known defects, one at a time, and measure which detectors find them:

  sim      simulation: every scenario once, then generated ones, seed after seed
  explore  the model checker, if its model covers the mutant (see dtsim check)
  unit     the tests of the packages that mutants change

A detector kills a mutant if it finds a violation of a property that the mutant breaks;
violations of other properties and failures of the harness do not count. In the unmutated
system, which comes first, no detector may find anything. Simulation goes on after the
first kill of a mutant, to see which other properties are violated: the table ends with
what each property catches that no other does.

--semantic N adds a sample of N mistakes as somebody makes them who has understood almost
everything, --generated N one of N small changes, both all over the code and chosen by
--sample. A detector is only tried on those that no detector before it has killed. Races are
looked for as well, in the last third of the budget. Changes that are known to be equivalent
to the system are listed and not measured.

Mutants are data, see scenarios/mutation; they are compiled without touching the sources.
Results are kept in a journal, and a measurement that was interrupted goes on from there.
They count for the same sources and the same budget; descriptions of mutants may change.

Exit status: 0 if every mutant was killed by each detector that has to find it, and for
each generated one that survives it is known why; 1 if one survived, or if a detector found
something in the unmutated system; 3 if a detector failed.`,
		Example: `  dtsim mutants                              all of them
  dtsim mutants --only 'barrier-*,lost-claim'
  dtsim mutants --detectors sim --seeds 10   ten repetitions, each with other seeds
  dtsim mutants --dir my-mutants --json`,
		Args: noArgs("mutants", "--only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			all, err := f.load()
			if err != nil {
				return err
			}
			root, err := moduleRoot()
			if err != nil {
				return err
			}
			samples, err := f.generate(root)
			if err != nil {
				return err
			}
			subjects, err := f.subjects(cmd.Context(), all, samples, root)
			if err != nil {
				return err
			}
			show := newProgress(env.Stderr, env.Bar, env.Now)
			detectors, err := f.choose(env, root, show.Note)
			if err != nil {
				return err
			}
			sources, err := detectorSources(cmd.Context(), root)
			if err != nil {
				return err
			}
			journal, err := mutation.OpenJournal(f.keep, sources, f.budget)
			if err != nil {
				return fmt.Errorf("--journal: %w", err)
			}
			defer journal.Close()
			spec := mutation.Spec{
				Subjects: subjects, Detectors: detectors, Budget: f.budget, Repetitions: f.seeds, Journal: journal,
				Begin: func(subject, detector string, repetition int) {
					show.Step(fmt.Sprintf("%s: %s, %d of %d", subject, detector, repetition, f.seeds))
				},
				Watch: func(r mutation.Record) { show.Note(recordLine(r)) },
			}
			records, err := mutation.Execute(cmd.Context(), spec)
			show.Stop()
			interrupted := cmd.Context().Err() != nil
			if err != nil && !interrupted {
				return err
			}
			table := mutation.Table(subjects, detectors, records)
			rows := mutation.Of("", table)
			head := mutation.Head{
				Command: typed(args), Budget: f.budget, Repetitions: f.seeds, Detectors: f.detectors,
				Machine: fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version()),
			}
			*status = f.status(rows, interrupted)
			if f.out == "" && f.only == "" && f.dir == "" && len(f.detectors) == len(allDetectors) {
				f.out = filepath.Join(root, filepath.FromSlash(resultsFile))
			}
			doc := mutation.NewDocument(head, rows)
			for _, s := range samples {
				g := s.Document(mutation.Of(s.Kind, table))
				if s.Kind == mutation.Semantic {
					doc.Semantic = g
				} else {
					doc.Generated = g
				}
				if *status == statusPassed {
					*status = sampleStatus(g)
				}
			}
			if f.out != "" && !interrupted {
				if err := mutation.Write(f.out, doc); err != nil {
					return err
				}
			}
			words := env.Stdout
			if f.json {
				words = env.Stderr
			}
			printMutants(words, rows)
			printSample(words, "semantic", doc.Semantic)
			printSample(words, "generated", doc.Generated)
			if interrupted {
				fmt.Fprintf(words, "interrupted; the same command goes on from here\n")
			}
			if f.json {
				return printJSON(env, doc)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.only, "only", "", "mutants whose names match this `glob`, or one of several with commas between them (default: all)")
	flags.StringVar(&f.dir, "dir", "", "take the mutants in this `directory`")
	flags.DurationVar(&f.budget, "budget", time.Minute, "how `long` each detector may take for a mutant, without builds")
	flags.StringSliceVar(&f.detectors, "detectors", allDetectors, "which `detectors` to try")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "judges" { // as it was called
			name = "detectors"
		}
		return pflag.NormalizedName(name)
	})
	flags.IntVarP(&f.seeds, "seeds", "n", 1, "how many repetitions, each with other seeds")
	flags.IntVar(&f.semantic, "semantic", 0, "how many semantic mutants (`N`) to add: mistakes of somebody who has understood almost everything")
	flags.IntVar(&f.generated, "generated", 0, "how many generated mutants (`N`) to add: small changes all over the code")
	flags.Uint64Var(&f.sample, "sample", 1, "the `seed` that chooses the generated mutants")
	flags.IntVarP(&f.jobs, "jobs", "j", env.Jobs, "how many runs go on at once")
	flags.StringVarP(&f.out, "out", "o", "", "write the table to this `file`, and the document of --json to one with .json (default: "+resultsFile+" when all detectors are tried on all mutants)")
	flags.StringVar(&f.keep, "journal", "reports/out/mutants.journal", "`file` that keeps the results so far")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// detectorSources identifies what detectors are made of: the guest, the plans, the model, and
// the configurations of the model checker. Descriptions of mutants do not count.
func detectorSources(ctx context.Context, root string) (string, error) {
	all := fmt.Sprint(mutation.Searches())
	for _, name := range []string{application.Guest, "dtsim/scenarios", mutation.SearchPackage, "dtsim/sim/campaign"} {
		id, err := build.ID(ctx, build.Request{Dir: root, Package: name, Target: build.Host()})
		if err != nil {
			return "", err
		}
		all += " " + id
	}
	return all, nil
}

var allDetectors = []string{schema.Simulation, schema.Exploration, schema.UnitTests}

func (f *mutantsFlags) check() error {
	switch {
	case f.jobs < 1:
		return badUsage("--jobs %d: must be at least 1", f.jobs)
	case f.seeds < 1:
		return badUsage("--seeds %d: must be at least 1", f.seeds)
	case f.semantic < 0:
		return badUsage("--semantic %d: must not be negative", f.semantic)
	case f.generated < 0:
		return badUsage("--generated %d: must not be negative", f.generated)
	case f.budget <= 0:
		return badUsage("--budget %s: must be positive", f.budget)
	case len(f.detectors) == 0:
		return badUsage("--detectors: at least one is needed; there are %s", strings.Join(allDetectors, ", "))
	}
	for i, j := range f.detectors {
		if !slices.Contains(allDetectors, j) || slices.Contains(f.detectors[:i], j) {
			return badUsage("--detectors: %q is unknown or given twice; there are %s", j, strings.Join(allDetectors, ", "))
		}
	}
	return nil
}

// moduleRoot is the directory of go.mod, from the working directory upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", build.ErrOutsideModule
		}
		dir = up
	}
}

// load reads the mutants that the flags select, without generated ones.
func (f *mutantsFlags) load() ([]*mutation.Mutant, error) {
	all, err := mutation.Historic()
	if f.dir != "" {
		all, err = mutation.Dir(f.dir)
	}
	if err != nil {
		return nil, badUsage("%w", err)
	}
	all, err = f.matching(all)
	if err == nil && len(all) == 0 && f.generated+f.semantic == 0 {
		err = badUsage("--only %s: no mutant matches", f.only)
	}
	return all, err
}

// matching returns those whose names match --only.
func (f *mutantsFlags) matching(all []*mutation.Mutant) ([]*mutation.Mutant, error) {
	if f.only == "" {
		return all, nil
	}
	globs := strings.Split(f.only, ",")
	for _, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil {
			return nil, badUsage("--only %s: %w", glob, err)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(m *mutation.Mutant) bool {
		return !slices.ContainsFunc(globs, func(glob string) bool {
			ok, _ := path.Match(glob, m.Name)
			return ok
		})
	}), nil
}

// subjects returns the unmutated system, the mutants, and the generated ones.
func (f *mutantsFlags) subjects(ctx context.Context, all []*mutation.Mutant, samples []mutation.Sample, root string) ([]mutation.Subject, error) {
	read, err := mutation.Sources(ctx, root)
	if err != nil {
		return nil, err
	}
	written, err := mutation.Subjects(all, read)
	if err != nil {
		return nil, badUsage("%w", err)
	}
	var generated []mutation.Subject
	for _, s := range samples {
		made, err := f.matching(s.Measured)
		if err != nil {
			return nil, err
		}
		if len(made) == 0 {
			continue
		}
		subjects, err := s.Subjects(made)
		if err != nil {
			return nil, err
		}
		generated = append(generated, subjects...)
	}
	if len(written)+len(generated) == 0 {
		return nil, badUsage("--only %s: no mutant matches", f.only)
	}
	return slices.Concat([]mutation.Subject{{}}, written, generated), nil
}

// generate makes the samples of generated mutants.
func (f *mutantsFlags) generate(root string) ([]mutation.Sample, error) {
	known, err := mutation.Known()
	if err != nil {
		return nil, err
	}
	var samples []mutation.Sample
	for _, of := range []struct {
		kind mutation.Kind
		n    int
	}{{mutation.Semantic, f.semantic}, {mutation.Small, f.generated}} {
		if of.n == 0 {
			continue
		}
		all, err := mutation.Generate(root, of.kind)
		if err != nil {
			return nil, err
		}
		samples = append(samples, mutation.NewSample(of.kind, f.sample, mutation.Choose(all, f.sample, of.n), known))
	}
	return samples, nil
}

// choose makes the detectors of --detectors.
func (f *mutantsFlags) choose(env *Environment, root string, note func(string)) ([]mutation.Detector, error) {
	var detectors []mutation.Detector
	for _, name := range f.detectors {
		switch name {
		case schema.Simulation:
			detectors = append(detectors, &mutation.Simulation{
				Scripted: families(scenarios.Scripted()), Generated: families(scenarios.Hostile()),
				Jobs: f.jobs, Budget: f.budget, Log: note, Now: env.Now,
				Open: func(ctx context.Context, o engine.Options) (engine.Engine, error) {
					o.Dir = root
					return env.Native(ctx, application.Options(o))
				},
			})
		case schema.Exploration:
			detectors = append(detectors, &mutation.Explore{Dir: root, Searches: mutation.Searches(), Jobs: f.jobs, Budget: f.budget, Log: note, Now: env.Now})
		case schema.UnitTests:
			detectors = append(detectors, &mutation.Unit{Root: root, Budget: max(f.budget, 2*time.Minute), Now: env.Now})
		}
	}
	return detectors, nil
}

// families are scenarios as a simulation runs them.
func families(of []scenarios.Scenario) []*campaign.Family {
	var all []*campaign.Family
	for _, s := range of {
		all = append(all, scenarios.Family(s, scenarios.Options{}, "dtsim run --engine native --scenario "+s.Name))
	}
	return all
}

// status returns the exit status of a table.
func (f *mutantsFlags) status(rows []mutation.Row, interrupted bool) int {
	if interrupted {
		return statusHarness
	}
	status := statusPassed
	for _, row := range rows {
		for _, c := range row.Cells {
			if c.Err() != nil {
				return statusHarness
			}
			if row.Subject.Mutant == nil && c.Kills() > 0 {
				status = statusViolated
			}
		}
	}
	if len(mutation.Survivors(rows)) > 0 {
		status = statusViolated
	}
	return status
}

// printSample prints what came of a sample of generated mutants.
func printSample(w io.Writer, kind string, g *schema.Generated) {
	if g == nil {
		return
	}
	fmt.Fprintf(w, "%s: %s\n", kind, mutation.Counts(g))
	for _, name := range slices.Sorted(maps.Keys(g.Survivors)) {
		fmt.Fprintf(w, "survives: %s: %s\n", name, cmp.Or(g.Survivors[name], "it is not known what would find it"))
	}
}

// sampleStatus returns the exit status of a sample of generated mutants.
func sampleStatus(g *schema.Generated) int {
	switch {
	case len(g.Failed) > 0:
		return statusHarness
	case len(g.Found)+len(mutation.Unexplained(g)) > 0:
		return statusViolated
	}
	return statusPassed
}
