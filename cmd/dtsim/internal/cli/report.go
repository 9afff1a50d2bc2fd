package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dtsim/sim/campaign"
)

// reportFlags are the flags of `dtsim report`.
type reportFlags struct {
	out      string
	format   string
	baseline string
}

func newReport(env *Environment) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report PATH...",
		Short: "Write pages, and files for other tools, of kept runs and documents",
		Long: `Write a page of what is kept: one self-contained HTML file, which can also be read without
scripts and on paper.

A PATH is one of these, recognised by its content:

  a trace                       the page of a run
  the folder of a run           the same, with its plan and what it was shrunk from
  the folder of a campaign      the page of a campaign; with a page for each failure, in
                                the failure's folder
  a counterexample              the page of a run that the model checker has found
  a document of dtsim check, run or mutants, as --json prints it and results.json
                                next to the table of mutants

Formats for other tools:

  perfetto   a run for the Perfetto UI (ui.perfetto.dev) or chrome://tracing
  shiviz     a run as a log with vector clocks, for ShiViz
  junit      JUnit XML, for CI
  github     annotations of GitHub, one a line
  text       lines for a terminal

Without --out a page goes beside its subject: FOLDER/campaign.html, FOLDER/page.html,
FILE.html; github and text are printed. The names of written files are printed, one a
line. The exit status reports whether they could be written, not what is in them.`,
		Example: `  dtsim report reports/out
  dtsim report reports/out --baseline last-week/out
  dtsim report reports/out/P8-journey-3-seed-7-3f2a91c0
  dtsim report --format perfetto run.trace.jsonl.zst -o run.json
  dtsim report --format junit reports/out -o junit.xml
  dtsim check --json >check.json; dtsim report check.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("report takes at least one path: a trace, a folder, or a document")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return f.report(env, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.out, "out", "o", "", "`file` to write, or a folder; - for standard output")
	flags.StringVarP(&f.format, "format", "f", formats[0].name, formatNames())
	flags.StringVar(&f.baseline, "baseline", "", "compare a campaign with the one in this `folder`")
	return cmd
}

// report writes the reports of paths.
func (f *reportFlags) report(env *Environment, paths []string) error {
	as, err := formatByName(f.format)
	if err != nil {
		return err
	}
	var subjects []*subject
	campaigns := 0
	for _, path := range paths {
		s, err := openSubject(path)
		if err != nil {
			return err
		}
		if s.campaign != nil {
			campaigns++
		}
		subjects = append(subjects, s)
	}
	r := reporter{env: env, as: as}
	if f.baseline != "" {
		if as.name != "html" || campaigns == 0 {
			return badUsage("--baseline needs the page of a campaign")
		}
		if r.baseline, err = openBaseline(f.baseline); err != nil {
			return err
		}
	}
	if as.combined() {
		target, err := as.place(subjects, f.out)
		if err != nil {
			return err
		}
		return r.write(subjects, target)
	}
	return r.each(subjects, f.out)
}

// reportTo writes the page of a new subject to its [format.target], whose name it prints on
// words.
func reportTo(env *Environment, words io.Writer, s *subject) error {
	own := *env
	own.Stdout = words
	r := reporter{env: &own, as: formats[0]}
	return r.each([]*subject{s}, "")
}

// each writes a file for each subject.
func (r *reporter) each(subjects []*subject, out string) error {
	by := map[string]string{}
	var targets []string
	for _, s := range subjects {
		target, err := r.as.target(s, out)
		if err != nil {
			return err
		}
		target = filepath.Clean(target)
		if other, taken := by[target]; taken {
			if len(subjects) > 1 && target == filepath.Clean(out) {
				return badUsage("--out %s is one file for %d paths; name a folder, or leave it out", out, len(subjects))
			}
			return badUsage("%s and %s would both become %s", other, s.path, target)
		}
		by[target] = s.path
		targets = append(targets, target)
	}
	for i, s := range subjects {
		if err := r.write([]*subject{s}, targets[i]); err != nil {
			return err
		}
	}
	return nil
}

// reporter writes reports in one format.
type reporter struct {
	env      *Environment
	as       format
	baseline *subject
}

// write writes one file of subjects; several subjects need a combined format.
func (r *reporter) write(subjects []*subject, target string) error {
	if target == stdout && r.as.forPrograms && r.env.Terminal {
		return badUsage("--out -: standard output is a terminal, and %s is not text for one; name a file, or pipe it", r.as.name)
	}
	var b bytes.Buffer
	if err := r.render(&b, subjects, target); err != nil {
		return err
	}
	if target == stdout {
		if _, err := r.env.Stdout.Write(b.Bytes()); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
		return nil
	}
	return r.keep(target, b.Bytes())
}

// keep writes a file and prints its name.
func (r *reporter) keep(name string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = campaign.WriteFile(name, content)
	}
	if err != nil {
		return badUsage("%s cannot be written: %w", name, pathCause(err))
	}
	_, err = fmt.Fprintln(r.env.Stdout, name)
	return err
}
