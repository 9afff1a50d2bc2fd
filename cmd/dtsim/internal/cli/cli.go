// Package cli is the command line of dtsim: flags in, words or one JSON document
// out, an exit status.
//
// It decides nothing about a run: package campaign does that. It must not read
// the clock or start an engine except through its Environment, so that its tests
// hold every word of the output against a golden file.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dtsim/sim/engine"
)

// Environment is what a command touches beyond its arguments and files.
type Environment struct {
	Stdout, Stderr io.Writer
	// Bar asks for a progress bar on Stderr, Color for colors on Stdout. Terminal is set if
	// Stdout is one.
	Bar, Color, Terminal bool
	// Width is how many characters a line of Stdout has; 0 if that is not known.
	Width int
	// Jobs is the default of --jobs.
	Jobs int
	// Now reads the wall clock.
	Now func() time.Time
	// Native and Sealed make the engines; see package engine.
	Native, Sealed func(context.Context, engine.Options) (engine.Engine, error)
}

// The exit statuses of every command.
const (
	statusPassed   = 0
	statusViolated = 1
	statusUsage    = 2
	statusHarness  = 3
)

// Main executes a command line without the program's name and returns the exit
// status. When ctx ends, a campaign stops and prints what it has done.
func Main(ctx context.Context, env Environment, args []string) int {
	status := statusPassed
	root := newRoot(&env, args, &status)
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return status
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(env.Stderr, "dtsim: %s\n", oneLine(err.Error()))
		return statusUsage
	}
	fmt.Fprintf(env.Stderr, "dtsim: %v\n", err)
	return statusHarness
}

// usageError is an error in what a command was called with: bad flags or bad files.
// Every other error is one of the harness.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// badUsage formats a usageError.
func badUsage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// oneLine joins the lines of a message.
func oneLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

func newRoot(env *Environment, args []string, status *int) *cobra.Command {
	root := &cobra.Command{
		Use:   "dtsim",
		Short: "Run clusters of a distributed task manager in simulation and check what they do",
		Long: `dtsim runs whole clusters of a distributed task manager, real Raft included, on a
simulated network, simulated disks and a virtual clock. A run is a function of its
plan: the same plan gives the same trace, byte for byte.

Start with:

  dtsim run             every scenario, a few seeds each
  dtsim scenarios       what the scenarios are

Exit status: 0 all passed, 1 a property was violated, 2 bad usage or bad input,
3 the harness itself failed or did less than it was asked.`,
		Args:              cobra.ArbitraryArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(cmd, args[0])
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return badUsage("%w; see %s --help", err, cmd.CommandPath())
	})
	root.SetHelpCommand(newHelp(root))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newRun(env, args, status), newReplay(env, status), newShrink(env, status), newScenarios(env), newLin(env, status),
		newCheck(env, status), newMutants(env, args, status), newReport(env))
	return root
}

// newHelp is `dtsim help COMMAND`.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print how a command is used",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			return cmd.Help()
		},
	}
}

func unknownCommand(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 3
	if close := root.SuggestionsFor(name); len(close) > 0 {
		return badUsage("there is no command %q; did you mean %q?", name, close[0])
	}
	return badUsage("there is no command %q; see dtsim --help", name)
}
