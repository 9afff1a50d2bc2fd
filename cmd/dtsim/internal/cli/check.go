package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dtsim/models/explore"
	"dtsim/models/explore/tasks"
	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// checkFlags are the flags of `dtsim check`.
type checkFlags struct {
	config      string
	list        bool
	all         bool // pairs
	randomLogs  uint64
	walk        uint64
	seed        uint64
	liveness    bool
	exact       bool
	depthFirst  bool
	noSymmetry  bool
	noReduction bool
	maxStates   uint64
	maxMemory   size
	jobs        int
	out         string
	replay      string
	trace       bool
	report      bool
	json        bool
	// cluster is put together with flags instead of a name; see asked.
	cluster tasks.Config
}

func newCheck(env *Environment, status *int) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Visit every state of a small machine and check every property",
		Long: `Visit every state that a machine can reach, in every order in which things can happen,
and check its properties in all of them. A violation comes with a shortest path to it, step
by step, which is kept in a file that --replay walks again, without the search.

The machine is a small cluster of the task manager that ships (its Manager and its
scheduling decisions, over a log, a network, workers and operators that are modelled), or
two-phase commit. Flags bound the size of the cluster and how often each thing may go
wrong in one run, or --config names a configuration.

States are stored as 64-bit fingerprints; the summary has the probability that one was
taken for another. --exact stores whole states.

Exit status 0 means that the space was exhausted and no property is violated. A bound that
was hit, or an interrupt, is status 3, with what was seen until then. --walk takes random
steps instead, and passes when all of them were taken: it exhausts nothing.`,
		Example: `  dtsim check                           3 nodes, a barrier, a crash, a lost reply and a failing callback
  dtsim check --list                    what there is to check
  dtsim check --nodes 2 --units 2 --barrier --crashes 2 --cancels 1
  dtsim check --config 2n-liveness --liveness
  dtsim check --config large --walk 1000000
  dtsim check --pairs                   every pair of flags, in half a minute
  dtsim check --random-logs 10000       logs of any commands and snapshots, against the specification
  dtsim check --config 2pc-9            10 million states
  dtsim check --config 2pc-3-hasty      what a counterexample looks like
  dtsim check --config 2pc-9 --max-states 1000000 --json
  dtsim check --config 2pc-9 --walk 1000000
  dtsim check --replay reports/out/consistency-2pc-3-hasty-3f2a91c0.trace.jsonl.zst`,
		Args: noArgs("check", "--config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			switch {
			case f.list:
				return f.printList(env)
			case f.replay != "":
				return f.again(env, status)
			case f.all:
				return f.pairs(cmd.Context(), env, status)
			case f.randomLogs > 0:
				return f.random(cmd.Context(), env, status)
			}
			return f.check(cmd, env, status)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.config, "config", "c", defaultMachine, "check the configuration of this `name`")
	f.clusterFlags(flags)
	flags.BoolVarP(&f.list, "list", "l", false, "list the configurations")
	flags.BoolVar(&f.all, "pairs", false, "check every pair of the flags above at the smallest scope at which both mean something")
	flags.Uint64Var(&f.randomLogs, "random-logs", 0, "apply `N` random logs, of --seed, to a replica and to the specification")
	flags.BoolVar(&f.liveness, "liveness", false, "check as well that something settled stays reachable, and is reached by every fair run (without reductions)")
	flags.BoolVar(&f.exact, "exact", false, "remember whole states instead of fingerprints")
	flags.BoolVar(&f.depthFirst, "dfs", false, "depth first, on one core: counterexamples are found sooner and are longer")
	flags.BoolVar(&f.noSymmetry, "no-symmetry", false, "visit states that are equal but for names, too")
	flags.BoolVar(&f.noReduction, "no-reduction", false, "visit all orders of actions that commute, too")
	flags.Uint64Var(&f.maxStates, "max-states", 0, "stop after so many `states` (default: no bound)")
	flags.Var(&f.maxMemory, "max-memory", "stop when the search itself takes so much memory: 500M, `4G` (default: no bound)")
	flags.Uint64Var(&f.walk, "walk", 0, "take `N` random steps instead")
	flags.Uint64Var(&f.seed, "seed", 1, "where the random choices of --walk and --random-logs come from")
	flags.IntVarP(&f.jobs, "jobs", "j", env.Jobs, "how many cores to use")
	flags.StringVarP(&f.out, "out", "o", "reports/out", "`directory` for counterexamples")
	flags.StringVar(&f.replay, "replay", "", "walk the counterexample in this `file` again")
	flags.BoolVarP(&f.trace, "trace", "t", false, "with --replay: print the path in the words of a run, one column a node")
	flags.BoolVar(&f.report, "report", false, "leave a page of the search in --out")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output, words on standard error")
	return cmd
}

// clusterFlags are those that put a cluster together.
func (f *checkFlags) clusterFlags(flags *pflag.FlagSet) {
	c := &f.cluster
	flags.IntVar(&c.Nodes, "nodes", 3, "instead of a named configuration: a cluster of so many `nodes`,")
	flags.IntVar(&c.Units, "units", 3, "  with so many `units` in each task")
	flags.IntVar(&c.Tasks, "tasks", 1, "  so many `tasks`")
	flags.IntVar(&c.Groups, "groups", 1, "  whose units are in so many `groups`")
	flags.BoolVar(&c.Barrier, "barrier", false, "  with the preparation barrier")
	flags.BoolVar(&c.Compete, "compete", false, "  whose units any node may claim")
	flags.BoolVar(&c.Conflict, "conflict", false, "  of which at most one may be active")
	flags.BoolVar(&c.AcksOptional, "acks-optional", false, "  for which the schedulers alone guard the finish")
	flags.BoolVar(&c.Overlap, "overlap", false, "  where lists arrive while an action is under way")
	flags.IntVar(&c.Lag, "lag", 0, "  and may be this `many` changes old")
	flags.BoolVar(&c.Drops, "drops", false, "  commands without a waiting caller may vanish,")
	flags.BoolVar(&c.NeverCompletes, "never-completes", false, "  and OnTaskCompleted never succeeds;")
	flags.IntVar(&c.Crashes, "crashes", 0, "  in each run, so `many` crashes,")
	flags.IntVar(&c.LostReplies, "lost-replies", 0, "  so `many` commands that commit while their caller sees an error,")
	flags.IntVar(&c.Losses, "losses", 0, "  so `many` commands that get lost,")
	flags.IntVar(&c.Errors, "errors", 0, "  so `many` callbacks that fail,")
	flags.IntVar(&c.Interrupts, "interrupts", 0, "  so `many` callbacks that are interrupted,")
	flags.IntVar(&c.UnitFailures, "unit-failures", 0, "  so `many` units that fail,")
	flags.IntVar(&c.Cancels, "cancels", 0, "  so `many` tasks that are cancelled,")
	flags.IntVar(&c.Reruns, "reruns", 0, "  so `many` ids that are added again,")
	flags.IntVar(&c.Expiries, "expiries", 0, "  so `many` records whose time to live passes,")
	flags.IntVar(&c.Leaves, "leaves", 0, "  and so `many` nodes that leave for good")
}

// clusterFlagNames are those of clusterFlags.
var clusterFlagNames = []string{
	"nodes", "units", "tasks", "groups", "barrier", "compete", "conflict", "acks-optional", "overlap", "lag", "drops", "never-completes", "crashes",
	"lost-replies", "losses", "errors", "interrupts", "unit-failures", "cancels", "reruns", "expiries", "leaves",
}

// asked is the machine that the flags ask for.
func (f *checkFlags) asked(cmd *cobra.Command) (machine, error) {
	if !slices.ContainsFunc(clusterFlagNames, cmd.Flags().Changed) {
		m, err := machineByName(f.config)
		if err != nil {
			return machine{}, badUsage("--config: %w", err)
		}
		return m, nil
	}
	m, err := clusterFrom(f.cluster)
	if err != nil {
		return machine{}, &usageError{err}
	}
	return m, nil
}

// validate refuses flags that contradict each other.
func (f *checkFlags) validate(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	refuse := func(first string, others ...string) error {
		for _, other := range others {
			if changed(first) && changed(other) {
				return badUsage("--%s and --%s exclude each other", first, other)
			}
		}
		return nil
	}
	all := []string{
		"config", "walk", "seed", "liveness", "exact", "dfs", "no-symmetry", "no-reduction", "max-states", "max-memory", "jobs",
		"out", "report",
	}
	if err := errors.Join(
		refuse("replay", append(all, clusterFlagNames...)...), refuse("list", append(append(all, "replay"), clusterFlagNames...)...),
		refuse("config", clusterFlagNames...), refuse("pairs", notWithPairs...), refuse("random-logs", notWithRandom...),
		refuse("walk", "liveness", "exact", "dfs", "no-reduction"),
		refuse("liveness", "dfs"),
	); err != nil {
		return &usageError{err}
	}
	switch {
	case changed("seed") && !changed("walk") && !changed("random-logs"):
		return badUsage("--seed is for --walk and --random-logs: without them nothing is left to chance")
	case changed("random-logs") && f.randomLogs == 0:
		return badUsage("--random-logs 0: asks for no log at all")
	case changed("walk") && f.walk == 0:
		return badUsage("--walk 0: asks for no step at all")
	case f.trace && (f.replay == "" || f.json):
		return badUsage("--trace needs --replay and excludes --json")
	case f.jobs < 1:
		return badUsage("--jobs %d: must be at least 1", f.jobs)
	case changed("max-states") && f.maxStates == 0, changed("max-memory") && f.maxMemory == 0:
		return badUsage("a bound of nothing leaves nothing to check")
	}
	return nil
}

// options turns flags into what is asked of the explorer.
func (f *checkFlags) options(m machine, is explore.Machine) (explore.Options, error) {
	o := explore.Options{
		DepthFirst: f.depthFirst || m.depthFirst && f.walk == 0 && !f.liveness,
		Exact:      f.exact, Liveness: f.liveness, Jobs: f.jobs,
		Symmetry:  m.symmetry && !f.noSymmetry && !f.liveness && f.walk == 0,
		Reduction: m.reduction && !f.noReduction && !f.liveness && f.walk == 0,
		MaxStates: f.maxStates, MaxMemory: uint64(f.maxMemory),
	}
	switch {
	case f.liveness && !is.Live():
		return o, badUsage("--liveness: %s promises no progress, so there is nothing to check", m.name)
	case f.noSymmetry && !m.symmetry:
		return o, badUsage("--no-symmetry: %s has none", m.name)
	case f.noReduction && !m.reduction:
		return o, badUsage("--no-reduction: %s has none", m.name)
	}
	return o, nil
}

// check explores or walks, and returns the result.
func (f *checkFlags) check(cmd *cobra.Command, env *Environment, status *int) error {
	m, err := f.asked(cmd)
	if err != nil {
		return err
	}
	is := m.build()
	o, err := f.options(m, is)
	if err != nil {
		return err
	}
	show := newProgress(env.Stderr, env.Bar, env.Now)
	var g growth
	o.Every, o.Watch = sampleEvery, func(s explore.Snapshot) {
		if g.add(s) {
			show.Step(snapshotWords(s))
		}
	}
	d := newVerification(m, is, o)
	begin := env.Now()
	if f.walk > 0 {
		var w explore.Walked
		w, err = is.Walk(cmd.Context(), explore.Walking{Steps: f.walk, Seed: f.seed}, o)
		d.walked(w, env.Now().Sub(begin), f.seed)
	} else {
		var r explore.Result
		r, err = is.Check(cmd.Context(), o)
		d.checked(r, o, env.Now().Sub(begin))
	}
	show.Stop()
	d.Growth = g.until(d.Check)
	if errors.Is(err, explore.ErrOptions) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	if err := d.keep(m, is, f.out); err != nil {
		return err
	}
	*status = d.status()
	words := env.Stdout
	if f.json {
		words = env.Stderr
	}
	d.words(words)
	if f.report {
		if err := f.leave(env, words, d.Check); err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(env, d.Check)
	}
	return nil
}

// leave keeps the document of a search in --out, and makes its page of it.
func (f *checkFlags) leave(env *Environment, words io.Writer, d schema.Check) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(f.out, "check-"+d.Config+".json")
	if err = os.MkdirAll(f.out, 0o755); err == nil {
		err = campaign.WriteFile(name, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the search could not be kept in %s: %w", f.out, pathCause(err))
	}
	return reportTo(env, words, &subject{path: name, check: &d})
}

// printList lists the configurations.
func (f *checkFlags) printList(env *Environment) error {
	all := machines()
	if f.json {
		type listed struct {
			Name    string `json:"name"`
			Summary string `json:"summary"`
			States  uint64 `json:"states,omitempty"`
		}
		d := struct {
			Configs []listed `json:"configs"`
		}{}
		for _, m := range all {
			d.Configs = append(d.Configs, listed{m.name, m.summary, m.states})
		}
		return printJSON(env, d)
	}
	width := 0
	for _, m := range all {
		width = max(width, len(m.name))
	}
	for _, m := range all {
		summary := m.summary
		if m.states > 0 {
			summary += " (" + grouped(m.states) + " states)"
		}
		fmt.Fprintf(env.Stdout, "%-*s  %s\n", width, m.name, summary)
	}
	return nil
}
