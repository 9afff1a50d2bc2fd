package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"dtsim/models/explore/logs"
	"dtsim/reports/schema"
)

// random is `dtsim check --random-logs N`.
func (f *checkFlags) random(ctx context.Context, env *Environment, status *int) error {
	show := newProgress(env.Stderr, env.Bar, env.Now)
	begin := env.Now()
	applied, found := logs.Campaign(ctx, f.seed, f.randomLogs, f.jobs, func(n uint64) {
		if n%100 == 0 {
			show.Step(fmt.Sprintf("%s of %s logs", grouped(n), grouped(f.randomLogs)))
		}
	})
	show.Stop()
	d := &schema.RandomLogs{
		Properties: logs.RandomProperties(), Seed: f.seed, Asked: f.randomLogs, Logs: applied, Length: logs.RandomLength,
		Violations: []schema.RandomLog{}, WallS: env.Now().Sub(begin).Seconds(),
	}
	for _, one := range found {
		d.Violations = append(d.Violations, schema.RandomLog{Property: one.Property, Message: one.Message, Number: one.Number, Log: one.Log})
	}
	switch {
	case len(found) > 0:
		*status = statusViolated
	case applied < f.randomLogs:
		*status = statusHarness
	default:
		*status = statusPassed
	}
	words := env.Stdout
	if f.json {
		words = env.Stderr
	}
	randomWords(words, d)
	if f.json {
		return printJSON(env, d)
	}
	return nil
}

func randomWords(w io.Writer, d *schema.RandomLogs) {
	for _, v := range d.Violations {
		fmt.Fprintf(w, "%s in log %d of seed %d: %s\n", v.Property, v.Number, d.Seed, v.Message)
		fmt.Fprintf(w, "  what it takes of the log:\n    %s\n\n", strings.Join(v.Log, "\n    "))
	}
	fmt.Fprintf(w, "%s of %s random logs of %d steps applied, seed %d, in %.1fs\n", grouped(d.Logs), grouped(d.Asked), d.Length, d.Seed, d.WallS)
	switch {
	case len(d.Violations) > 0:
		fmt.Fprintf(w, "violated: the first logs of each property are above; the same seed finds them again\n")
	case d.Logs < d.Asked:
		fmt.Fprintf(w, "interrupted: nothing was found until then\n")
	default:
		fmt.Fprintf(w, "no violation of %s\n", strings.Join(d.Properties, ", "))
	}
}

// notWithRandom are flags that --random-logs excludes.
var notWithRandom = append([]string{
	"config", "list", "pairs", "liveness", "walk", "exact", "dfs", "no-symmetry", "no-reduction", "max-states", "max-memory", "replay", "trace", "report", "out",
}, clusterFlagNames...)
