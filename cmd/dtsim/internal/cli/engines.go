package cli

import (
	"context"
	"errors"
	"fmt"

	"dtsim/sim/engine"
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
func (e *engines) pinning(ctx context.Context, env *Environment, note func(string)) (engine.Engine, error) {
	if one := e.byName(sealed); one != nil {
		return one, nil
	}
	one, err := env.Sealed(ctx, application.Options(engine.Options{Log: note}))
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

// open makes the engines for a value of --engine. For auto that is the native one,
// and the sealed one when a comparison is wanted; if the native one is not available, the
// sealed one takes its place, and note is called. With race, it is
// the native one with the race detector, and nothing takes its place.
func (env *Environment) open(ctx context.Context, name string, compare, race bool, note func(string)) (engines, error) {
	options := application.Options(engine.Options{Log: note})
	if name == sealed && race {
		return engines{}, badUsage("--race: the sealed engine has no race detector")
	}
	if name == sealed {
		first, err := env.Sealed(ctx, options)
		return engines{first: first}, opening(ctx, err, "")
	}
	first, err := env.Native(ctx, application.Options(engine.Options{Log: note, Race: race}))
	if name == native || race {
		return engines{first: first}, opening(ctx, err, "; --engine sealed may work")
	}
	var unavailable *engine.UnavailableError
	if errors.As(err, &unavailable) {
		note(fmt.Sprintf("%v; the sealed engine runs everything instead, slower", err))
		first, err = env.Sealed(ctx, options)
		return engines{first: first}, opening(ctx, err, "")
	}
	if err != nil {
		return engines{}, opening(ctx, err, "")
	}
	if !compare {
		return engines{first: first}, nil
	}
	second, err := env.Sealed(ctx, options)
	if err != nil {
		first.Close()
		return engines{}, opening(ctx, err, "; --engine native does without the comparison")
	}
	return engines{first: first, second: second}, nil
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
