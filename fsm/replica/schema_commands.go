package replica

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// The commands of the schema, and the entry of a read. [api.ApplyRequest.Class]
// names the collection of a schema command.
const (
	CommandCreateCollection api.CommandType = 1
	CommandDropCollection   api.CommandType = 2
	CommandUpdateProperty   api.CommandType = 3
	CommandAddTenants       api.CommandType = 4
	CommandUpdateTenants    api.CommandType = 5
	CommandDeleteTenants    api.CommandType = 6
	// CommandReadBarrier is committed to find a read index. It changes nothing, has
	// no sub-command, and is never remembered by a session.
	CommandReadBarrier api.CommandType = 20
)

var commandNames = map[api.CommandType]string{
	CommandCreateCollection: "CREATE_COLLECTION",
	CommandDropCollection:   "DROP_COLLECTION",
	CommandUpdateProperty:   "UPDATE_PROPERTY",
	CommandAddTenants:       "ADD_TENANTS",
	CommandUpdateTenants:    "UPDATE_TENANTS",
	CommandDeleteTenants:    "DELETE_TENANTS",
	CommandReadBarrier:      "READ_BARRIER",
}

// CommandName returns the name that a command of any kind has in logs and traces.
func CommandName(t api.CommandType) string {
	if name, ok := commandNames[t]; ok {
		return name
	}
	return t.String()
}

// ShardSpec places a shard, or a tenant.
type ShardSpec struct {
	Name string `json:"name"`
	// Nodes hold a replica each; at least one, none twice.
	Nodes []string `json:"nodes"`
}

// CreateCollectionRequest creates the collection that the envelope names.
type CreateCollectionRequest struct {
	// Properties maps a property to its tokenization.
	Properties  map[string]string `json:"properties,omitempty"`
	MultiTenant bool              `json:"multi_tenant,omitempty"`
	// Shards are the tenants of a multi-tenant collection; others need at least one.
	Shards []ShardSpec `json:"shards,omitempty"`
}

// UpdatePropertyRequest sets the tokenization of a property.
type UpdatePropertyRequest struct {
	Property     string `json:"property"`
	Tokenization string `json:"tokenization"`
	// Migration is set for the flip at the end of a task's migration, which
	// the guard of the task's own namespace must let through.
	Migration *MigrationRef `json:"migration,omitempty"`
	// Tenants, of a migration alone, are the tenants that have been migrated and swap,
	// however the task ends; without them the migration ends.
	Tenants []string `json:"tenants,omitempty"`
	// Migrated, of a migration that ends, are the shards that it was about. A tenant that is not among
	// them, since it was added meanwhile, keeps what it serves. Without them it was about all.
	Migrated []string `json:"migrated,omitempty"`
}

// MigrationRef names the run of a task that changes the schema.
type MigrationRef struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Version   uint64 `json:"version"`
}

// validate refuses a reference that names no run.
func (m *MigrationRef) validate(property string) error {
	if m.Namespace == "" || m.ID == "" || m.Version == 0 {
		return invalid("update of property %q by task %s/%s/%d: that names no task", property, m.Namespace, m.ID, m.Version)
	}
	return nil
}

// AddTenantsRequest adds tenants to a multi-tenant collection.
type AddTenantsRequest struct {
	Tenants []ShardSpec `json:"tenants"`
}

// UpdateTenantsRequest freezes or thaws tenants.
type UpdateTenantsRequest struct {
	Tenants []string    `json:"tenants"`
	Status  ShardStatus `json:"status"`
}

// DeleteTenantsRequest removes tenants. Those that do not exist are ignored.
type DeleteTenantsRequest struct {
	Tenants []string `json:"tenants"`
}

// decodeCommand reads a sub-command of the schema: one JSON object without unknown
// fields, and nothing behind it.
func decodeCommand[T any](c *api.ApplyRequest) (*T, error) {
	request := new(T)
	d := json.NewDecoder(bytes.NewReader(c.SubCommand))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return nil, invalid("unmarshal %s: %s", CommandName(c.Type), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("unmarshal %s: there is more behind the command", CommandName(c.Type))
	}
	return request, nil
}

// invalid is the permanent rejection of a command that is bad in itself.
func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w: %w", append(args, fsm.ErrInvalidCommand, fsm.ErrPermanentRejection)...)
}
