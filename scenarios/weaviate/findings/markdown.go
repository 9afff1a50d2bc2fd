package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"dtsim/reports/timeline"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// preamble begins the document.
const preamble = `# Findings in Weaviate's published task manager

` + "`go run ./findings`" + ` in this folder has written this document: it ran each plan on the versions named, and on
the task manager of this repository, which passes all of them. Each finding is a plan of a few elements, shrunk from
one that ` + "`dtsim run`" + ` has generated, but for those that say otherwise, and was judged by the published documentation alone:
the profiles ` + "`weaviate`" + ` and ` + "`weaviate-reindex`" + ` omit what only this repository promises (package ` + "`scenarios/property`" + ` names every
rule with its reason). Runs are deterministic: the same plan gives the same trace.

`

// write runs the findings in a folder and writes the document.
func write(ctx context.Context, dir, to string) error {
	all, err := readFindings(dir)
	if err != nil {
		return err
	}
	w := writer{engines: make(map[[2]string]engine.Engine)}
	defer w.close()
	w.out.WriteString(preamble)
	fmt.Fprintf(&w.out, "| finding | property | versions |\n|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(&w.out, "| [%s](#%s) | %s %s | %s |\n", f.Title, f.Name, f.Property, property.Name(f.Property), strings.Join(f.Versions, ", "))
	}
	for i := range all {
		if err := w.finding(ctx, dir, &all[i]); err != nil {
			return fmt.Errorf("%s: %w", all[i].Name, err)
		}
	}
	return os.WriteFile(to, w.out.Bytes(), 0o644)
}

// writer writes the document.
type writer struct {
	out bytes.Buffer
	// engines are those opened so far, by system and version.
	engines map[[2]string]engine.Engine
}

func (w *writer) close() {
	for _, e := range w.engines {
		e.Close()
	}
}

// run runs a plan on a version of a system.
func (w *writer) run(ctx context.Context, system, version string, p *plan.Plan) (engine.Result, error) {
	key := [2]string{system, version}
	if w.engines[key] == nil {
		e, err := open(ctx, ".", system, version, func(m string) { fmt.Fprintln(os.Stderr, m) })
		if err != nil {
			return engine.Result{}, err
		}
		w.engines[key] = e
	}
	return w.engines[key].Run(ctx, engine.Job{Plan: p, Entropy: campaign.Entropy(p)})
}

// finding runs and describes one finding.
func (w *writer) finding(ctx context.Context, dir string, f *Finding) error {
	p, err := f.planIn(dir)
	if err != nil {
		return err
	}
	tasks, err := taskplan.Of(p)
	if err != nil {
		return err
	}
	own, err := w.run(ctx, property.Own.Name, "", p)
	if err != nil {
		return err
	}
	if !own.Footer.Verdict.Passed {
		return fmt.Errorf("the task manager of this repository does not pass: %v", own.Footer.Verdict.Violations)
	}
	var shown []byte
	var found *trace.Violation
	for _, version := range slices.Concat(f.Versions, f.Without) {
		r, err := w.run(ctx, f.System, version, p)
		if err != nil {
			return err
		}
		v := f.violation(r.Footer.Verdict)
		if has := slices.Contains(f.Versions, version); has != (v != nil) {
			return fmt.Errorf("in %s it is there: %t, and it should be there: %t", version, v != nil, has)
		}
		if found == nil {
			shown, found = r.Trace, v
		}
	}
	lines, err := excerpt(shown, *found)
	if err != nil {
		return err
	}
	with := ""
	if f.Versions[0] != required {
		with = " --with " + module + "@" + f.Versions[0]
	}
	issue := f.Issue
	if issue == "" {
		issue = "not known to us"
	}
	without := ""
	if len(f.Without) > 0 {
		without = "; not in " + strings.Join(f.Without, ", ")
	}
	fmt.Fprintf(&w.out, `
<a id=%q></a>
## %s

**What it means:** %s

**Violated:** %s %s: %s

**Versions:** %s%s. **Issue:** %s.

**Why the plan is legal:** %s

**Plan:** [%s](testdata/%s.plan.json): %s. To see it, with its page:

    go run ./cmd/dtsim run --system %s%s --plan scenarios/weaviate/testdata/%s.plan.json --report

What decides, from the trace:

%s`,
		f.Name, f.Title, f.Harm, f.Property, property.Name(f.Property), strings.ReplaceAll(found.Message, "\n", " "),
		strings.Join(f.Versions, ", "), without, issue, f.Legal, f.Name, f.Name, size(p, tasks), f.System, with, f.Name, lines)
	return nil
}

// size returns the size of a plan in words.
func size(p *plan.Plan, tasks *taskplan.Plan) string {
	counted := func(n int, word string) string {
		if n != 1 {
			word += "s"
		}
		return fmt.Sprintf("%d %s", n, word)
	}
	return fmt.Sprintf("%s, %s, %s", counted(p.Cluster.Nodes, "node"), counted(len(tasks.Workload), "operation"), counted(len(p.Faults), "fault"))
}

// excerptLines is how many events of a trace are shown.
const excerptLines = 10

// excerpt returns the last events that explain a violation, as indented lines.
func excerpt(file []byte, v trace.Violation) (string, error) {
	whole, err := trace.Read(bytes.NewReader(file))
	if err != nil {
		return "", err
	}
	tl, err := timeline.New(whole)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	words, explain := tl.Describer(), tl.Explain(v)
	for _, seq := range explain[max(0, len(explain)-excerptLines):] {
		e := &tl.Trace.Events[seq-1]
		node := e.Node
		if node == "" {
			node = "--"
		}
		fmt.Fprintf(&b, "    %11.6f  %s  %s\n", e.At.Round(time.Microsecond).Seconds(), node, strings.ReplaceAll(words.Event(e), "\n", " "))
	}
	return b.String(), nil
}
