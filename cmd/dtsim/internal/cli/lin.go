package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"dtsim/scenarios"

	"github.com/spf13/cobra"

	"dtsim/models/history"
	"dtsim/sim/trace"
)

// maxFindings is how many findings are printed.
const maxFindings = 10

func newLin(env *Environment, status *int) *cobra.Command {
	var asJSON bool
	var out string
	cmd := &cobra.Command{
		Use:   "lin FILE",
		Short: "Check whether the history of a run is linearizable",
		Long: `Check what clients of the task API have seen: is there one order of all operations, in
keeping with real time, in which the specification gives every answer that was
given?

FILE is a history, or a trace with one. It is checked in two ways: with the order of
the log as the witness, and by a search for any order, task by task. If the two
contradict each other, or if one is undecided, the harness has failed (exit status 3).`,
		Example: `  dtsim lin reports/out/P2-journey-1-seed-7-3f2a91c0/run.trace.jsonl.zst
  dtsim lin my.history.jsonl
  dtsim lin --out my.history.jsonl run.trace.jsonl.zst`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("lin takes one file, a history or a trace; there are %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			h, err := readHistory(args[0])
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeHistory(out, h); err != nil {
					return err
				}
			}
			begin := env.Now()
			r, err := history.Judge(h, scenarios.Rules())
			if err != nil {
				return badUsage("%s: %w", args[0], err)
			}
			d := newLinDocument(r, env.Now().Sub(begin).Seconds())
			*status = linStatus(r)
			if asJSON {
				return printJSON(env, d)
			}
			d.words(env, r)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the history to this `file`, too")
	return cmd
}

// readHistory reads a history, or that of a trace.
func readHistory(name string) (*history.History, error) {
	content, err := readInput(name)
	if err != nil {
		return nil, err
	}
	var h *history.History
	switch {
	case history.IsHistory(content):
		h, err = history.Read(bytes.NewReader(content))
	case looksLikeTrace(content):
		var r *trace.Reader
		if r, err = trace.NewReader(bytes.NewReader(content)); err == nil {
			h, err = history.FromTrace(r)
		}
	default:
		err = errors.New("this is neither a history nor a trace")
	}
	if err != nil {
		return nil, badUsage("%s: %w", name, err)
	}
	if len(h.Ops) == 0 {
		return nil, badUsage("%s: there is no operation in it", name)
	}
	return h, nil
}

func writeHistory(name string, h *history.History) error {
	var b bytes.Buffer
	if err := history.Write(&b, h); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return badUsage("--out: %w", err)
	}
	return nil
}

// linStatus returns the exit status of a report.
func linStatus(r history.Report) int {
	switch {
	case !r.Agree():
		return statusHarness
	case r.Verdict() == history.Illegal:
		return statusViolated
	case r.Verdict() == history.Unknown:
		return statusHarness
	}
	return statusPassed
}

// linDocument is what `dtsim lin --json` prints.
type linDocument struct {
	Operations  int             `json:"operations"`
	Ambiguous   int             `json:"ambiguous"`
	CommitOrder history.Verdict `json:"commit_order"`
	Porcupine   history.Verdict `json:"porcupine"`
	WallS       float64         `json:"wall_s"`
	Findings    []string        `json:"findings"`
}

func newLinDocument(r history.Report, wall float64) linDocument {
	d := linDocument{
		Operations: r.Operations, Ambiguous: r.Ambiguous, CommitOrder: r.CommitOrder, Porcupine: r.Porcupine,
		WallS: wall, Findings: []string{},
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings, f.Message)
	}
	return d
}

func (d linDocument) words(env *Environment, r history.Report) {
	fmt.Fprintf(env.Stdout, "%d operations, %d of them without an answer, checked in %.1f s\n", d.Operations, d.Ambiguous, d.WallS)
	fmt.Fprintf(env.Stdout, "commit order  %s\nporcupine     %s\n", d.CommitOrder, d.Porcupine)
	for i, message := range d.Findings {
		if i == maxFindings {
			fmt.Fprintf(env.Stdout, "and %d more\n", len(d.Findings)-i)
			break
		}
		fmt.Fprintf(env.Stdout, "  %s\n", message)
	}
	switch {
	case !r.Agree():
		fmt.Fprintln(env.Stdout, "The two checks contradict each other: this is a bug of the harness.")
	case r.Verdict() == history.Unknown:
		fmt.Fprintln(env.Stdout, "Undecided: the history has too little information, or the search was too long.")
	case r.Verdict() == history.Illegal:
		fmt.Fprintln(env.Stdout, "The history is not linearizable (P2).")
	}
}
