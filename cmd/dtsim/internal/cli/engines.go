package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"dtsim/scenarios"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
)

// The values of --engine.
const (
	auto   = "auto"
	native = "native"
	sealed = "sealed"
)

func checkEngine(name string) error {
	switch name {
	case auto, native, sealed:
		return nil
	}
	return badUsage("--engine %s: there is no such engine; there are auto, native and sealed", name)
}

// engines are those a command uses.
type engines struct {
	// first executes what was asked for; second repeats some of it, nil for none.
	first, second engine.Engine
	// pin is a sealed engine that was made to pin a failure.
	pin engine.Engine
	// options are those that all of them are made with, but for the race detector.
	options engine.Options
}

// byName returns the engine of that name, nil when there is none.
func (e engines) byName(name string) engine.Engine {
	for _, one := range []engine.Engine{e.first, e.second, e.pin} {
		if one != nil && one.Name() == name {
			return one
		}
	}
	return nil
}

// pinning returns the sealed engine, which is made when there is none.
func (e *engines) pinning(ctx context.Context, env *Environment) (engine.Engine, error) {
	if one := e.byName(sealed); one != nil {
		return one, nil
	}
	one, err := env.Sealed(ctx, e.options)
	if err != nil {
		return nil, opening(ctx, err, "")
	}
	e.pin = one
	return one, nil
}

func (e *engines) close() {
	for _, one := range []engine.Engine{e.first, e.second, e.pin} {
		if one != nil {
			one.Close()
		}
	}
}

// open makes the engines that run an application for a value of --engine. For auto that is the native one,
// and the sealed one when a comparison is wanted; if the native one is not available, the
// sealed one takes its place, which o.Log is called with. With o.Race, it is the native
// one with the race detector, and nothing takes its place; nor does it for an application that
// is native only.
func (env *Environment) open(ctx context.Context, app *campaign.Application, name string, compare bool, o engine.Options) (engines, error) {
	if o.CPULimit <= 0 {
		return engines{}, badUsage("--cpu-limit %s: a run needs processor time", o.CPULimit)
	}
	o = app.Options(o)
	if app.NativeOnly != "" {
		if name == sealed {
			return engines{}, badUsage("--engine sealed: %s", app.NativeOnly)
		}
		name = native
	}
	if app.Module != "" {
		root, err := build.ModuleDir(ctx, o.Dir, "dtsim")
		if err != nil {
			return engines{}, opening(ctx, err, "")
		}
		o.Dir = filepath.Join(root, filepath.FromSlash(app.Module))
	}
	all := engines{options: o}
	all.options.Race = false
	all.options.Cover = nil
	if name == sealed && o.Race {
		return engines{}, badUsage("--race: the sealed engine has no race detector")
	}
	if name == sealed && len(o.Cover) > 0 {
		return engines{}, badUsage("--cover: the sealed engine counts nothing")
	}
	var err error
	if name == sealed {
		all.first, err = env.Sealed(ctx, all.options)
		return all, opening(ctx, err, "")
	}
	all.first, err = env.Native(ctx, o)
	if name == native || o.Race || len(o.Cover) > 0 {
		return all, opening(ctx, err, "; --engine sealed may work")
	}
	var unavailable *engine.UnavailableError
	if errors.As(err, &unavailable) {
		o.Log(fmt.Sprintf("%v; the sealed engine runs everything instead, slower", err))
		all.first, err = env.Sealed(ctx, all.options)
		return all, opening(ctx, err, "")
	}
	if err != nil {
		return engines{}, opening(ctx, err, "")
	}
	if !compare {
		return all, nil
	}
	all.second, err = env.Sealed(ctx, all.options)
	if err != nil {
		all.first.Close()
		return engines{}, opening(ctx, err, "; --engine native does without the comparison")
	}
	return all, nil
}

// guestFlags are the flags about the guest: what it is built from, and how long it may take.
type guestFlags struct {
	cpuLimit   time.Duration
	instrument []string
	with       []string
	system     string
}

func (g *guestFlags) add(flags *pflag.FlagSet) {
	flags.DurationVar(&g.cpuLimit, "cpu-limit", engine.DefaultCPULimit, "how much processor time one run may take, `2m`, before it counts as hung")
	flags.StringArrayVar(&g.instrument, "instrument", nil,
		"a `package` whose goroutines can be held up, instead of "+strings.Join(application.Instrument, ", ")+"; may be repeated")
	flags.StringVar(&g.system, "system", "", "the `task manager` that is run, "+strings.Join(systems(), " or ")+" (default: that of this repository)")
	flags.StringArrayVar(&g.with, "with", nil, "build with another version of a module, `MODULE@VERSION` or MODULE=FOLDER; may be repeated")
}

// systems returns the values of --system.
func systems() []string {
	var names []string
	for _, a := range scenarios.Systems() {
		if a.Profile != "" {
			names = append(names, a.Profile)
		}
	}
	return names
}

// application returns the system that the flags ask for, or the one that past is a trace of. Without
// --with, that is built with the versions that the trace names.
func (g *guestFlags) application(past *campaign.Recorded) (*campaign.Application, error) {
	name := g.system
	if past != nil {
		name = cmp.Or(name, past.Header.Profile)
		if len(g.with) == 0 {
			g.with = engine.VersionsOf(past.Header.Build)
		}
	}
	a, err := scenarios.SystemNamed(name)
	if err != nil {
		return nil, badUsage("--system: %w", err)
	}
	return a, nil
}

// options returns what the flags ask for.
func (g *guestFlags) options(log func(string), race bool) (engine.Options, error) {
	o := engine.Options{Log: log, Race: race, CPULimit: g.cpuLimit, Instrument: g.instrument}
	for _, text := range g.with {
		r, err := build.ParseReplacement(text)
		if err != nil {
			return o, badUsage("--with %v", err)
		}
		o.With = append(o.With, r)
	}
	return o, nil
}

// opening words an error of making an engine.
func opening(ctx context.Context, err error, hint string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("interrupted before anything was run")
	}
	return fmt.Errorf("%w%s", err, hint)
}
