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

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"dtsim/scenarios"
	"dtsim/scenarios/mutation"
	"dtsim/scenarios/mutation/results"
	"dtsim/scenarios/tasks"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
)

// mutantsFlags are the flags of `dtsim mutants`.
type mutantsFlags struct {
	only   string
	dir    string
	budget time.Duration
	judges []string
	seeds  int
	// generated is how many generated mutants there are besides, sample what chooses them.
	generated int
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
		Short: "Plant known defects and see which checks find them, and how fast",
		Long: `Plant known defects, one at a time, and see which judges find them:

  sim      a campaign: a plan of every scenario, then seed after seed of the generated ones
  explore  the model checker, where its model covers the mutant (see dtsim check)
  unit     the tests of the packages that mutants change

A judge kills a mutant when it finds a property that the mutant breaks; other properties,
and a harness that fails, do not count. The system as it is stands first: of it, nothing
may be found. The first campaign of a mutant goes on after the kill, to see what else
finds it: the table ends with what each property catches that no other does.

With --generated there are small changes all over the code besides: a sample, chosen by a
seed. Each judge looks only at those that no judge before it has killed. Locks that are
taken away are looked for with the race detector. Of the sample some are equivalent to
the system; these are listed, and not judged.

Mutants are data, see scenarios/mutation; they are compiled without touching the sources.
What judges came to is remembered in a journal, so that a gallery that was interrupted
goes on where it stopped; it counts for the same sources, but for words about mutants, and
the same budget.

Exit status 0 says that every mutant was killed by each judge that has to find it, and that
of generated ones that survive it is known why; 1 that one survived, or that something was
found without any; 3 that a judge failed.`,
		Example: `  dtsim mutants                              all of them
  dtsim mutants --only 'barrier-*,lost-claim'
  dtsim mutants --judges sim --seeds 10      ten campaigns a mutant, with other seeds
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
			sample, err := f.generate(root)
			if err != nil {
				return err
			}
			subjects, err := f.subjects(all, sample, root)
			if err != nil {
				return err
			}
			show := newProgress(env.Stderr, env.Bar, env.Now)
			judges, err := f.choose(env, root, show.Note)
			if err != nil {
				return err
			}
			sources, err := judgeSources(cmd.Context(), root)
			if err != nil {
				return err
			}
			journal, err := mutation.OpenJournal(f.keep, sources, f.budget)
			if err != nil {
				return fmt.Errorf("--journal: %w", err)
			}
			defer journal.Close()
			spec := mutation.Spec{
				Subjects: subjects, Judges: judges, Budget: f.budget, Repetitions: f.seeds, Journal: journal,
				Begin: func(subject, judge string, repetition int) {
					show.Step(fmt.Sprintf("%s: %s, %d of %d", subject, judge, repetition, f.seeds))
				},
				Watch: func(r mutation.Record) { show.Note(told(r)) },
			}
			records, err := mutation.Execute(cmd.Context(), spec)
			show.Stop()
			interrupted := cmd.Context().Err() != nil
			if err != nil && !interrupted {
				return err
			}
			rows, generated := mutation.Apart(mutation.Table(subjects, judges, records))
			head := mutation.Head{
				Command: typed(args), Budget: f.budget, Repetitions: f.seeds, Judges: f.judges,
				Machine: fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version()),
			}
			*status = f.judge(rows, interrupted)
			if f.out == "" && f.only == "" && f.dir == "" && len(f.judges) == len(allJudges) {
				f.out = filepath.Join(root, filepath.FromSlash(resultsFile))
			}
			doc := mutation.NewDocument(head, rows)
			doc.Generated = sample.Document(generated)
			if g := doc.Generated; g != nil && *status == statusPassed {
				*status = judgeSample(g)
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
			printGallery(words, rows)
			if g := doc.Generated; g != nil {
				fmt.Fprintf(words, "generated: %s\n", results.Counts(g))
				for _, name := range slices.Sorted(maps.Keys(g.Survivors)) {
					fmt.Fprintf(words, "survives: %s: %s\n", name, cmp.Or(g.Survivors[name], "nobody knows what finds it"))
				}
			}
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
	flags.DurationVar(&f.budget, "budget", time.Minute, "how `long` each judge may look at a mutant, without builds")
	flags.StringSliceVar(&f.judges, "judges", allJudges, "which `judges` look")
	flags.IntVarP(&f.seeds, "seeds", "n", 1, "how many campaigns a mutant gets, each with other seeds")
	flags.IntVar(&f.generated, "generated", 0, "how many generated mutants to judge, too (`N`): small changes all over the code")
	flags.Uint64Var(&f.sample, "sample", 1, "the `seed` that chooses the generated mutants")
	flags.IntVarP(&f.jobs, "jobs", "j", env.Jobs, "how many runs go on at once")
	flags.StringVarP(&f.out, "out", "o", "", "write the table to this `file`, and the document of --json to a .json beside it (default: "+resultsFile+" when all judges look at all mutants)")
	flags.StringVar(&f.keep, "journal", "reports/out/mutants.journal", "`file` that remembers what judges came to")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// judgeSources identifies what judges look with: the guest, the plans, the model, and what
// the model checker is asked. Words about mutants, notes among them, do not count.
func judgeSources(ctx context.Context, root string) (string, error) {
	all := fmt.Sprint(mutation.Searches())
	for _, name := range []string{tasks.Guest, "dtsim/scenarios", mutation.SearchPackage, "dtsim/sim/campaign"} {
		id, err := build.ID(ctx, build.Request{Dir: root, Package: name, Target: build.Host()})
		if err != nil {
			return "", err
		}
		all += " " + id
	}
	return all, nil
}

var allJudges = []string{"sim", "explore", "unit"}

func (f *mutantsFlags) check() error {
	switch {
	case f.jobs < 1:
		return badUsage("--jobs %d: at least one run must go on", f.jobs)
	case f.seeds < 1:
		return badUsage("--seeds %d: every mutant gets at least one campaign", f.seeds)
	case f.generated < 0:
		return badUsage("--generated %d: it is a number of mutants", f.generated)
	case f.budget <= 0:
		return badUsage("--budget %s: no time for a judge", f.budget)
	case len(f.judges) == 0:
		return badUsage("--judges: somebody must look; there are %s", strings.Join(allJudges, ", "))
	}
	for i, j := range f.judges {
		if !slices.Contains(allJudges, j) || slices.Contains(f.judges[:i], j) {
			return badUsage("--judges: %q is no judge, or stands twice; there are %s", j, strings.Join(allJudges, ", "))
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

// load reads the mutants that were asked for, but for generated ones.
func (f *mutantsFlags) load() ([]*mutation.Mutant, error) {
	all, err := mutation.Historic()
	if f.dir != "" {
		all, err = mutation.Dir(f.dir)
	}
	if err != nil {
		return nil, badUsage("%w", err)
	}
	all, err = f.matching(all)
	if err == nil && len(all) == 0 && f.generated == 0 {
		err = badUsage("--only %s: no mutant matches", f.only)
	}
	return all, err
}

// matching leaves those whose names match --only.
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

// subjects are the system as it is, the mutants, and generated ones.
func (f *mutantsFlags) subjects(all []*mutation.Mutant, s mutation.Sample, root string) ([]mutation.Subject, error) {
	made, err := f.matching(s.Judged)
	if err != nil {
		return nil, err
	}
	if len(all)+len(made) == 0 {
		return nil, badUsage("--only %s: no mutant matches", f.only)
	}
	written, err := mutation.Subjects(all, func(file string) ([]byte, error) {
		return os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	})
	if err != nil {
		return nil, badUsage("%w", err)
	}
	generated, err := s.Subjects(made)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]mutation.Subject{{}}, written, generated), nil
}

// generate makes the sample of generated mutants.
func (f *mutantsFlags) generate(root string) (mutation.Sample, error) {
	if f.generated == 0 {
		return mutation.Sample{}, nil
	}
	known, err := mutation.Known()
	if err != nil {
		return mutation.Sample{}, err
	}
	all, err := mutation.Generate(root)
	if err != nil {
		return mutation.Sample{}, err
	}
	return mutation.NewSample(f.sample, mutation.Choose(all, f.sample, f.generated), known), nil
}

// choose makes the judges that were asked for.
func (f *mutantsFlags) choose(env *Environment, root string, note func(string)) ([]mutation.Judge, error) {
	var judges []mutation.Judge
	for _, name := range f.judges {
		switch name {
		case "sim":
			judges = append(judges, &mutation.Simulation{
				Told: families(scenarios.Told()), Families: families(scenarios.Hostile()),
				Jobs: f.jobs, Budget: f.budget, Log: note, Now: env.Now,
				Open: func(ctx context.Context, o engine.Options) (engine.Engine, error) {
					o.Dir = root
					return env.Native(ctx, o)
				},
			})
		case "explore":
			judges = append(judges, &mutation.Explore{Dir: root, Searches: mutation.Searches(), Jobs: f.jobs, Budget: f.budget, Log: note, Now: env.Now})
		case "unit":
			judges = append(judges, &mutation.Unit{Root: root, Budget: max(f.budget, 2*time.Minute), Now: env.Now})
		}
	}
	return judges, nil
}

// families are scenarios as a simulation runs them.
func families(of []scenarios.Scenario) []*campaign.Family {
	var all []*campaign.Family
	for _, s := range of {
		all = append(all, scenarios.Family(s, scenarios.Options{}, "dtsim run --engine native --scenario "+s.Name))
	}
	return all
}

// judge is the exit status.
func (f *mutantsFlags) judge(rows []mutation.Row, interrupted bool) int {
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

// judgeSample is the exit status of a sample of generated mutants.
func judgeSample(g *results.Generated) int {
	switch {
	case len(g.Failed) > 0:
		return statusHarness
	case len(g.Found)+len(results.Unexplained(g)) > 0:
		return statusViolated
	}
	return statusPassed
}

// told is a record in a line.
func told(r mutation.Record) string {
	words := fmt.Sprintf("nothing in %.1fs (%d)", r.Wall.Seconds(), r.Runs)
	switch {
	case r.Err != nil:
		words = "the judge failed: " + oneLine(r.Err.Error())
	case r.Skipped != "":
		words = "not asked: " + r.Skipped
	case r.Property != "":
		words = fmt.Sprintf("%s in %.1fs (%d): %s", r.Property, r.Wall.Seconds(), r.Runs, firstLine(r.Message))
	}
	for _, property := range slices.Sorted(maps.Keys(r.Fired)) {
		if property != r.Property {
			words += fmt.Sprintf("; also %s in %d", property, r.Fired[property])
		}
	}
	if r.Violating > 1 {
		words += fmt.Sprintf("; of %d that violate a property", r.Violating)
	}
	return fmt.Sprintf("%s: %s: %s", r.Subject, r.Judge, words)
}

// printGallery prints the table people read.
func printGallery(w io.Writer, rows []mutation.Row) {
	if len(rows) == 0 {
		return
	}
	columns := []any{"mutant"}
	for _, c := range rows[0].Cells {
		columns = append(columns, c.Judge, "by", "seconds")
	}
	t := newTable(columns...)
	var right []table.ColumnConfig
	for i := range rows[0].Cells {
		for _, n := range []int{2 + 3*i, 4 + 3*i} {
			right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.SetColumnConfigs(right)
	for _, row := range rows {
		line := table.Row{row.Subject.Name()}
		for _, c := range row.Cells {
			switch {
			case c.Skipped() != "":
				line = append(line, "-", "", "")
			case c.Err() != nil:
				line = append(line, "-", "failed", "")
			case c.Kills() == 0 && row.Subject.Mutant == nil:
				line = append(line, c.Runs(), "nothing", fmt.Sprintf("%.1f", c.Wall().Seconds()))
			case c.Kills() == 0:
				line = append(line, c.Runs(), "survives", fmt.Sprintf("%.1f", c.Wall().Seconds()))
			default:
				line = append(line, c.Runs(), strings.Join(c.Properties(), " "), fmt.Sprintf("%.1f", c.Wall().Seconds()))
			}
		}
		t.AppendRow(line)
	}
	fmt.Fprintln(w, t.Render())
	survivors := mutation.Survivors(rows)
	for _, judge := range allJudges {
		if names := survivors[judge]; len(names) > 0 {
			fmt.Fprintf(w, "%s has to find and does not: %s\n", judge, strings.Join(names, ", "))
		}
	}
	for _, row := range rows {
		for _, c := range row.Cells {
			if err := c.Err(); err != nil {
				fmt.Fprintf(w, "%s of %s failed: %s\n", c.Judge, row.Subject.Name(), oneLine(err.Error()))
			}
		}
	}
}
