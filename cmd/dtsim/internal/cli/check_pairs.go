package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dtsim/models/explore"
	"dtsim/models/explore/tasks"
	"dtsim/reports/schema"
)

// pairs is `dtsim check --pairs`.
func (f *checkFlags) pairs(ctx context.Context, env *Environment, status *int) error {
	if f.jobs < 1 {
		f.jobs = 1
	}
	show := newProgress(env.Stderr, env.Bar, env.Now)
	d, err := f.searchPairs(ctx, env, tasks.Pairs(), show)
	show.Stop()
	if err != nil {
		return err
	}
	*status = pairsStatus(d)
	words := env.Stdout
	if f.json {
		words = env.Stderr
	}
	pairsWords(words, d)
	if f.json {
		return printJSON(env, d)
	}
	return nil
}

// searchPairs searches one cluster after the other, until ctx ends.
func (f *checkFlags) searchPairs(ctx context.Context, env *Environment, all []tasks.Pair, show progress) (*schema.Pairs, error) {
	d := &schema.Pairs{Jobs: f.jobs, Pairs: []schema.Pair{}, Senseless: []schema.SenselessPair{}, Exhausted: true}
	for _, p := range all {
		if p.Senseless == "" {
			d.Clusters++
		}
	}
	begin := env.Now()
	for _, p := range all {
		if p.Senseless != "" {
			d.Senseless = append(d.Senseless, schema.SenselessPair{Name: p.Name(), Flags: p.Flags(), Why: p.Senseless})
			continue
		}
		if ctx.Err() != nil {
			d.Exhausted = false
			continue
		}
		one, err := f.searchPair(ctx, env, p, d, show)
		if err != nil {
			return nil, err
		}
		d.Pairs = append(d.Pairs, one)
		d.States, d.Transitions = d.States+one.States, d.Transitions+one.Transitions
		d.Exhausted = d.Exhausted && one.Exhausted
	}
	d.WallS = env.Now().Sub(begin).Seconds()
	return d, nil
}

// searchPair searches the cluster of one pair and keeps its counterexamples.
func (f *checkFlags) searchPair(ctx context.Context, env *Environment, p tasks.Pair, d *schema.Pairs, show progress) (schema.Pair, error) {
	one := schema.Pair{Name: p.Name(), Flags: p.Flags(), Summary: p.Config.Summary(), Violations: []schema.CheckViolation{}}
	m, err := clusterFrom(p.Config)
	if err != nil {
		return one, fmt.Errorf("%s: %w", p.Name(), err)
	}
	is := m.build()
	o, err := f.options(m, is)
	if err != nil {
		return one, err
	}
	m.name = p.Name()
	place := fmt.Sprintf("%d of %d: %s", len(d.Pairs)+1, d.Clusters, p.Name())
	show.Step(place)
	o.Every, o.Watch = time.Second, func(s explore.Snapshot) { show.Step(place + ", " + short(float64(s.States)) + " states") }
	begin := env.Now()
	r, err := is.Check(ctx, o)
	if err != nil {
		return one, fmt.Errorf("%s: %w", p.Name(), err)
	}
	v := newVerification(m, is, o)
	v.checked(r, o, env.Now().Sub(begin))
	if err := v.keep(m, is, f.out); err != nil {
		return one, err
	}
	if d.Search == "" {
		d.Search, d.Properties = v.Search, v.Properties
	}
	one.States, one.Transitions, one.Depth, one.Exhausted, one.Bound, one.WallS = v.States, v.Transitions, v.Depth, v.Exhausted, v.Bound, v.WallS
	one.Violations = append(one.Violations, v.Violations...)
	return one, nil
}

func pairsStatus(d *schema.Pairs) int {
	switch {
	case slices.ContainsFunc(d.Pairs, func(p schema.Pair) bool { return len(p.Violations) > 0 }):
		return statusViolated
	case !d.Exhausted:
		return statusHarness
	}
	return statusPassed
}

// pairsWords prints the table of states of all pairs, below the diagonal without the barrier,
// above it with it, and on it the barrier and the one flag; then why pairs are missing, and
// what was violated.
func pairsWords(w io.Writer, d *schema.Pairs) {
	names := tasks.FlagNames()
	cells := map[string]string{}
	for _, p := range d.Pairs {
		cells[p.Name] = countCell(p)
	}
	for _, p := range d.Senseless {
		cells[p.Name] = "-"
		if strings.HasPrefix(p.Why, "is ") {
			cells[p.Name] = "="
		}
	}
	cell := func(row, column int) string {
		name := "barrier+" + names[row]
		switch {
		case row > column:
			name = names[column] + "+" + names[row]
		case row < column:
			name = "barrier+" + names[row] + "+" + names[column]
		}
		if text, there := cells[name]; there {
			return text
		}
		return "."
	}
	fmt.Fprintln(w, "States of every pair of flags; above the diagonal with the barrier, on it the")
	fmt.Fprint(w, "barrier and one flag. - means nothing together, = is another one, ! is violated,\n? is not exhausted, . was not searched.\n\n")
	fmt.Fprint(w, "  ")
	for column := range names {
		fmt.Fprintf(w, "%4d", column+1)
	}
	fmt.Fprintln(w)
	for row := range names {
		fmt.Fprintf(w, "%2d", row+1)
		for column := range names {
			fmt.Fprintf(w, "%4s", cell(row, column))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	for i, name := range names {
		fmt.Fprintf(w, "%2d %-16s", i+1, name)
		if i%4 == 3 || i == len(names)-1 {
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
	var reasons []string
	of := map[string][]string{}
	for _, p := range d.Senseless {
		if !slices.Contains(reasons, p.Why) {
			reasons = append(reasons, p.Why)
		}
		of[p.Why] = append(of[p.Why], p.Name)
	}
	for _, why := range reasons {
		if strings.HasPrefix(why, "is ") {
			fmt.Fprintf(w, "= %s %s\n", strings.Join(of[why], ", "), why)
			continue
		}
		fmt.Fprintf(w, "- %s (%d pairs)\n", why, len(of[why]))
	}
	fmt.Fprintln(w)
	broken := 0
	for _, p := range d.Pairs {
		for _, v := range p.Violations {
			broken++
			fmt.Fprintf(w, "%s: ", p.Name)
			printViolation(w, v)
		}
	}
	largest := slices.MaxFunc(append([]schema.Pair{{}}, d.Pairs...), func(a, b schema.Pair) int { return int(a.States) - int(b.States) })
	fmt.Fprintf(w, "search    %s\n", strings.Replace(d.Search, "fingerprints, ", "fingerprints,\n          ", 1))
	fmt.Fprintf(w, "states    %s distinct, %s generated\n", grouped(d.States), grouped(d.Transitions))
	fmt.Fprintf(w, "largest   %s, %s states\n", largest.Name, grouped(largest.States))
	fmt.Fprintf(w, "time      %.1f s\n\n", d.WallS)
	switch {
	case broken > 0:
		fmt.Fprintf(w, "Violated: %d counterexamples in %d of %d clusters.\n", broken, countViolated(d), d.Clusters)
	case !d.Exhausted:
		fmt.Fprintf(w, "Not exhausted: %d of %d clusters were searched to their end. Nothing seen so far is violated.\n", countExhausted(d), d.Clusters)
	default:
		fmt.Fprintf(w, "Passed: every state of all %d clusters was visited, and nothing is violated.\n", d.Clusters)
	}
}

func countViolated(d *schema.Pairs) (n int) {
	for _, p := range d.Pairs {
		if len(p.Violations) > 0 {
			n++
		}
	}
	return n
}

func countExhausted(d *schema.Pairs) (n int) {
	for _, p := range d.Pairs {
		if p.Exhausted {
			n++
		}
	}
	return n
}

// countCell is a number of states in three columns.
func countCell(p schema.Pair) string {
	switch n := p.States; {
	case len(p.Violations) > 0:
		return "!"
	case !p.Exhausted:
		return "?"
	case n < 1000:
		return fmt.Sprint(n)
	case n < 99_500:
		return fmt.Sprintf("%dk", (n+500)/1000)
	case n < 950_000:
		return fmt.Sprintf(".%dM", (n+50_000)/100_000)
	default:
		return fmt.Sprintf("%dM", (n+500_000)/1_000_000)
	}
}

// notWithPairs are flags that --pairs excludes. --liveness is one because some pairs are known
// not to have it: a list may lag for ever under weak fairness, and a task whose
// OnTaskCompleted never succeeds has no way out once all nodes have swapped.
var notWithPairs = append([]string{"config", "list", "liveness", "walk", "seed", "dfs", "replay", "trace", "report"}, clusterFlagNames...)
