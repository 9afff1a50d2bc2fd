package replica

import (
	"context"
	"errors"
	"fmt"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// ListDistributedTasks lists all tasks by namespace, as fsm.Manager does. The list
// is linearizable: it is never older than anything that was acknowledged to
// any client before the call. It fails only with ctx, or when raft is shut down.
func (c *Client) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("list distributed tasks: %w", err)
	}
	return c.config.Replica.Tasks(), nil
}

// Schema returns the schema, linearizably as [Client.ListDistributedTasks] does.
func (c *Client) Schema(ctx context.Context) (Schema, error) {
	if err := c.catchUp(ctx); err != nil {
		return Schema{}, fmt.Errorf("read schema: %w", err)
	}
	return c.config.Replica.Schema(), nil
}

// catchUp brings the local replica to a read index that is confirmed after the call.
func (c *Client) catchUp(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		v := c.leader.leadership.view()
		index, err := c.readIndex(ctx, v)
		if err == nil {
			return c.waitApplied(ctx, index)
		}
		if errors.Is(err, errFinal) {
			return err
		}
		c.pause(ctx, v, c.backoff(api.RequestID{Client: c.config.ID + "/reads"}, attempt), nil)
		if cause := context.Cause(ctx); cause != nil {
			return fmt.Errorf("%w (last attempt: %s)", cause, err)
		}
	}
}

// waitApplied waits until the command at index has been applied here.
func (c *Client) waitApplied(ctx context.Context, index uint64) error {
	done, forget := c.config.Replica.awaitIndex(index)
	defer forget()
	for {
		v := c.leader.leadership.view()
		if v.shutdown {
			return fmt.Errorf("wait for index %d: raft is shut down", index)
		}
		select {
		case <-done:
			return nil
		case <-v.changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for index %d: %w", index, context.Cause(ctx))
		}
	}
}

// readIndex tries once to get a read index, here or at the leader.
func (c *Client) readIndex(ctx context.Context, v view) (uint64, error) {
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case v.shutdown:
		return 0, fmt.Errorf("raft is shut down: %w", errFinal)
	case v.leading:
		return c.leader.readIndex(ctx)
	}
	o, err := c.forward(ctx, v, forwardRequest{kind: kindReadIndex})
	if err != nil {
		return 0, err
	}
	if err := o.err(); err != nil {
		return 0, err
	}
	return o.Index, nil
}
