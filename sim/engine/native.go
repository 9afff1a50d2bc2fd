package engine

import (
	"context"
	"errors"
)

// Native returns the engine that runs the guest as processes of the host, with a
// seeded runtime. It builds the guest if there is no build of it yet. The error
// is an [*UnavailableError], or ctx.Err().
func Native(ctx context.Context, o Options) (Engine, error) { return nil, errors.ErrUnsupported }
