package engine

import (
	"context"
	"errors"
)

// Sealed returns the engine that runs the guest as a WebAssembly module. It builds
// the guest if there is no build of it yet. The error is an [*UnavailableError],
// or ctx.Err().
func Sealed(ctx context.Context, o Options) (Engine, error) { return nil, errors.ErrUnsupported }
