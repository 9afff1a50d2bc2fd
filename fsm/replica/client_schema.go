package replica

import (
	"context"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// CreateCollection creates a collection; its name must be free without regard to
// case.
func (c *Client) CreateCollection(ctx context.Context, name string, q CreateCollectionRequest) error {
	return c.executeSchema(ctx, CommandCreateCollection, name, q)
}

// DropCollection removes a collection and every task that is bound to it. Tasks in
// flight may forbid it (P11).
func (c *Client) DropCollection(ctx context.Context, name string) error {
	return c.executeSchema(ctx, CommandDropCollection, name, struct{}{})
}

// UpdateProperty sets the tokenization of a property, as a user. Tasks in flight may
// forbid it (P11).
func (c *Client) UpdateProperty(ctx context.Context, collection, property, tokenization string) error {
	return c.executeSchema(ctx, CommandUpdateProperty, collection, UpdatePropertyRequest{
		Property: property, Tokenization: tokenization,
	})
}

// FlipProperty sets the tokenization of a property as the effect of a task: what
// OnTaskCompleted of a migration does. It is refused unless the task is SWAPPING
// with a successful swap of every owning node, or FINISHED (P8). A flip that has had
// its effect, or that a newer task has overtaken, is accepted and changes nothing,
// so every node may propose it. Shards are those that the task has migrated: a tenant that is
// not among them, since it was added meanwhile, keeps what it serves; none means all.
func (c *Client) FlipProperty(ctx context.Context, collection, property, tokenization, namespace string,
	task fsm.TaskDescriptor, shards []string) error {
	return c.executeSchema(ctx, CommandUpdateProperty, collection, UpdatePropertyRequest{
		Property: property, Tokenization: tokenization, Migrated: shards,
		Migration: &MigrationRef{Namespace: namespace, ID: task.ID, Version: task.Version},
	})
}

// SwapTenants records for a task that tenants keep its result for a property of theirs,
// however the task ends: what a migration with a group
// per tenant does before their replicas swap. It is refused unless all units of
// their groups are COMPLETED. The schema keeps it after the record of the task is
// gone (P8). It may be repeated; what has changed since then for all tenants stays.
func (c *Client) SwapTenants(ctx context.Context, collection, property, tokenization, namespace string,
	task fsm.TaskDescriptor, tenants []string) error {
	return c.executeSchema(ctx, CommandUpdateProperty, collection, UpdatePropertyRequest{
		Property: property, Tokenization: tokenization, Tenants: tenants,
		Migration: &MigrationRef{Namespace: namespace, ID: task.ID, Version: task.Version},
	})
}

// AddTenants adds tenants to a multi-tenant collection.
func (c *Client) AddTenants(ctx context.Context, collection string, tenants []ShardSpec) error {
	return c.executeSchema(ctx, CommandAddTenants, collection, AddTenantsRequest{Tenants: tenants})
}

// UpdateTenants sets the status of tenants. Tasks in flight may forbid to freeze
// them (P11).
func (c *Client) UpdateTenants(ctx context.Context, collection string, tenants []string, s ShardStatus) error {
	return c.executeSchema(ctx, CommandUpdateTenants, collection, UpdateTenantsRequest{Tenants: tenants, Status: s})
}

// DeleteTenants removes tenants. Tasks in flight may forbid it (P11).
func (c *Client) DeleteTenants(ctx context.Context, collection string, tenants []string) error {
	return c.executeSchema(ctx, CommandDeleteTenants, collection, DeleteTenantsRequest{Tenants: tenants})
}

func (c *Client) executeSchema(ctx context.Context, t api.CommandType, collection string, request any) error {
	command, err := api.NewApplyRequest(t, request)
	if err != nil {
		return unencodable(err)
	}
	command.Class = collection
	_, err = c.Execute(ctx, *command)
	return err
}
