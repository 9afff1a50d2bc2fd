package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"dtsim/models/explore/counterexample"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

func newReplay(env *Environment, status *int) *cobra.Command {
	var engineName string
	var asJSON, race bool
	var guest guestFlags
	var show traceFlags
	cmd := &cobra.Command{
		Use:   "replay TRACE|PLAN",
		Short: "Run a trace or a plan again and compare",
		Long: `Run again what a file describes.

A trace holds the plan that was run, the engine and build, and the verdict: the run
is repeated by that engine, and hash and verdict are compared. With the
same engine and build another hash is a bug of the harness (exit status 3). With
another build hashes cannot be equal; then the verdict counts that this build gets.

A plan has no verdict, so it is run twice and the two runs are compared with each
other.

--trace prints the run that came of it, one column a node, or, where the terminal is
too narrow for text in columns, one line a node with the text behind. By default it
prints commands of the log and what they left of their tasks, callbacks,
work, shards, calls of operators, faults, the lives of nodes. --kinds prints other
kinds of events, by their names in the trace or in groups (calls, callbacks, faults,
files, lists, lives, log, messages, snapshots, work): "--kinds callbacks,log" prints
them alone, "--kinds +messages" prints them, too. What was left out is counted at the
end. NO_COLOR turns colors off.`,
		Example: `  dtsim replay reports/out/P8-journey-3-seed-7-3f2a91c0/run.trace.jsonl.zst
  dtsim replay my.plan.json
  dtsim replay --engine sealed reports/out/P8-journey-3-seed-7-3f2a91c0/run.plan.json
  dtsim replay --trace --from 5s --until 12s --task reindex/to-trigram run.trace.jsonl.zst
  dtsim replay --trace --node n1,n2 --kinds +messages run.trace.jsonl.zst | less`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("replay takes one file, a trace or a plan; there are %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := show.check(cmd, asJSON); err != nil {
				return err
			}
			want, err := readRecord(args[0], engineName)
			if err != nil {
				return err
			}
			if err := show.foresee(env, want.job.Plan, want.trace); err != nil {
				return err
			}
			app, err := guest.application(want.past)
			if err != nil {
				return err
			}
			note := newProgress(env.Stderr, env.Bar, env.Now).Note
			o, err := guest.options(note, race)
			if err != nil {
				return err
			}
			e, err := env.open(cmd.Context(), app, want.engine, false, o)
			if err != nil {
				return err
			}
			defer e.close()
			c, err := want.compare(cmd.Context(), app, e.first)
			if found, raced := campaign.Raced(err); raced {
				*status = statusViolated
				if asJSON {
					return printJSON(env, ReplayDocument{Verdict: campaign.Violated.Key(), Property: found[0].Property, Engine: e.first.Name()})
				}
				fmt.Fprintf(env.Stdout, "violated %s: %s\n", found[0].Property, found[0].Message)
				return nil
			}
			if err != nil {
				return err
			}
			*status = c.Status()
			if asJSON {
				return printJSON(env, newReplayDocument(c))
			}
			if show.on {
				again, err := trace.Read(bytes.NewReader(c.Again.Trace))
				if err != nil {
					return err
				}
				if err := show.print(env, again); err != nil {
					return err
				}
				fmt.Fprintln(env.Stdout)
			}
			printComparison(env.Stdout, c)
			return nil
		},
	}
	cmd.Flags().StringVarP(&engineName, "engine", "e", "", "auto, native or sealed (default: the trace's, auto for a plan)")
	cmd.Flags().BoolVar(&race, "race", false, "look for data races: the native engine with the race detector")
	guest.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	show.add(cmd)
	return cmd
}

// record is a run of a file.
type record struct {
	job    engine.Job
	engine string
	// past is the run of a trace; nil for a plan.
	past *campaign.Recorded
	// trace is the past as a whole.
	trace *trace.Trace
}

// readRecord reads a trace or a plan; engineName is the one asked for, or empty.
func readRecord(name, engineName string) (record, error) {
	if engineName != "" {
		if err := checkEngine(engineName); err != nil {
			return record{}, err
		}
	}
	content, err := readInput(name)
	if err != nil {
		return record{}, err
	}
	if !looksLikeTrace(content) {
		p, err := decodePlan(name, content)
		if err != nil {
			return record{}, err
		}
		job := engine.Job{Plan: p, Entropy: campaign.Entropy(p)}
		return record{job: job, engine: cmp.Or(engineName, auto)}, nil
	}
	t, whole, err := decodeTrace(name, content)
	if err != nil {
		return record{}, err
	}
	if t.Header.Engine == counterexample.Engine {
		return record{}, badUsage("%s is a counterexample of the model checker; dtsim check --replay takes it", name)
	}
	r := record{
		job:    engine.Job{Plan: &t.Header.Plan, Entropy: t.Header.Entropy},
		engine: cmp.Or(engineName, t.Header.Engine),
		past:   &campaign.Recorded{Header: t.Header, Result: engine.Result{Trace: whole, Footer: t.Footer}},
		trace:  t,
	}
	if r.engine != sealed && engineName == "" {
		// The native engine may not exist on this machine, and a trace of a plain test
		// was made by neither: auto takes the one that works, with a note.
		r.engine = auto
	}
	return r, nil
}

// compare runs the record's job again; for a plan, twice.
func (r record) compare(ctx context.Context, app *campaign.Application, e engine.Engine) (campaign.Comparison, error) {
	var c campaign.Comparison
	runs := []*campaign.Recorded{&c.Again}
	if r.past == nil {
		runs = []*campaign.Recorded{&c.Past, &c.Again}
	} else {
		c.Past = *r.past
	}
	for _, run := range runs {
		var err error
		*run, err = app.Once(ctx, e, r.job)
		switch {
		case ctx.Err() != nil:
			return c, errors.New("interrupted before the run was over")
		case err != nil:
			return c, err
		}
	}
	return c, nil
}
