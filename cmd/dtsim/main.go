// Command dtsim runs clusters of a distributed task manager in simulation and
// checks what they do. See the README, or dtsim --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/term"

	"dtsim/cmd/dtsim/internal/cli"
	"dtsim/sim/engine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first interrupt ends a campaign with a summary, the second the program.
	context.AfterFunc(ctx, stop)
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	os.Exit(cli.Main(ctx, cli.Environment{
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
		Bar:      term.IsTerminal(int(os.Stderr.Fd())),
		Color:    terminal && os.Getenv("NO_COLOR") == "",
		Terminal: terminal,
		Width:    width(),
		Jobs:     runtime.NumCPU(),
		Now:      time.Now,
		Native:   engine.Native,
		Sealed:   engine.Sealed,
	}, os.Args[1:]))
}

// width is how many characters a line of the terminal has; 0 without one.
func width() int {
	w, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return w
}
