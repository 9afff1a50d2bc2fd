package taskevent

import (
	"cmp"
	"encoding/json"
	"slices"

	"dtsim/sim/trace/event"
)

// The names that commands have in a trace.
const (
	CommandAddTask          = "DISTRIBUTED_TASK_ADD"
	CommandCancelTask       = "DISTRIBUTED_TASK_CANCEL"
	CommandCleanUpTask      = "DISTRIBUTED_TASK_CLEAN_UP"
	CommandUnitCompletion   = "DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED"
	CommandUnitProgress     = "DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS"
	CommandMarkFinalized    = "DISTRIBUTED_TASK_MARK_FINALIZED"
	CommandPostAck          = "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK"
	CommandPreparationAck   = "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK"
	CommandMarkFailed       = "DISTRIBUTED_TASK_MARK_FAILED"
	CommandCreateCollection = "CREATE_COLLECTION"
	CommandDropCollection   = "DROP_COLLECTION"
	CommandUpdateProperty   = "UPDATE_PROPERTY"
	CommandAddTenants       = "ADD_TENANTS"
	CommandUpdateTenants    = "UPDATE_TENANTS"
	CommandDeleteTenants    = "DELETE_TENANTS"
)

// Command is a committed command with its outcome. Its body is decoded once.
type Command struct {
	*event.Committed
	// Name is the name of the command, one of the constants.
	Name string
	// Verdict is what the log has made of it.
	Verdict event.Verdict
	// Duplicate means that the request took effect before, Accepted that it takes effect
	// now: it is neither rejected nor a duplicate.
	Duplicate, Accepted bool
	// Args has the fields of the command; none if Unreadable.
	Args
	Unreadable bool
}

// ReadCommand reads a committed command. One whose body cannot be read has no arguments.
func ReadCommand(e *event.Committed) *Command {
	c := &Command{Committed: e, Name: e.Command, Verdict: VerdictOf(e.Outcome, e.Verdict), Duplicate: e.First != 0, Accepted: e.Outcome == event.Accepted && e.First == 0}
	if e.Body != "" {
		if err := json.Unmarshal([]byte(e.Body), &c.Args); err != nil {
			c.Args, c.Unreadable = Args{}, true
		}
	}
	return c
}

// OfTask reports whether the command is one of the task API.
func (c *Command) OfTask() bool { return slices.Contains(taskCommands, c.Name) }

// Run returns the run that a command of the task API is about. A submission adds the run
// whose version is its index.
func (c *Command) Run() Run {
	if c.Name == CommandAddTask {
		return Run{c.Namespace, c.ID, c.Index}
	}
	return Run{c.Namespace, c.ID, c.Args.Version}
}

var taskCommands = []string{
	CommandAddTask, CommandCancelTask, CommandCleanUpTask, CommandUnitCompletion, CommandUnitProgress, CommandMarkFinalized,
	CommandPostAck, CommandPreparationAck, CommandMarkFailed,
}

// Args has the fields of all commands as they are in the log.
type Args struct {
	Namespace               string      `json:"namespace"`
	ID                      string      `json:"id"`
	Version                 uint64      `json:"version"`
	Payload                 []byte      `json:"payload"`
	UnitIDs                 []string    `json:"unit_ids"`
	UnitSpecs               []*UnitSpec `json:"unit_specs"`
	NeedsPreparationBarrier bool        `json:"needs_preparation_barrier"`
	AcksRequired            bool        `json:"acks_required"`
	NodeID                  string      `json:"node_id"`
	UnitID                  string      `json:"unit_id"`
	Progress                float32     `json:"progress"`
	Error                   string      `json:"error"`
	Success                 bool        `json:"success"`
	CancelledAt             int64       `json:"cancelled_at_unix_millis"`
	CleanedUpAt             int64       `json:"cleaned_up_at_unix_millis"`
	TTL                     int64       `json:"completed_task_ttl_millis"`
	FinishedAt              int64       `json:"finished_at_unix_millis"`
	FinalizedAt             int64       `json:"finalized_at_unix_millis"`
	AckedAt                 int64       `json:"acked_at_unix_millis"`
	FailedAt                int64       `json:"failed_at_unix_millis"`

	Property     string            `json:"property"`
	Tokenization string            `json:"tokenization"`
	Migration    *Migration        `json:"migration"`
	Migrated     []string          `json:"migrated"`
	Properties   map[string]string `json:"properties"`
	Shards       []Shard           `json:"shards"`
	// Tenants are names, or shards for tenants that are added.
	Tenants json.RawMessage `json:"tenants"`
	// ShardStatus is what the tenants are to be from now on.
	ShardStatus string `json:"status"`
}

// UnitSpec names one unit of a task and its group.
type UnitSpec struct {
	ID    string `json:"id"`
	Group string `json:"group_id"`
}

// Migration names the run that changes the schema.
type Migration struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Version   uint64 `json:"version"`
}

// Run returns the run that changes the schema.
func (m *Migration) Run() Run { return Run{m.Namespace, m.ID, m.Version} }

// Shard places a shard, or a tenant.
type Shard struct {
	Name  string   `json:"name"`
	Nodes []string `json:"nodes"`
}

// At is the time in the command, in ms since 1970; 0 for a command without.
func (a *Args) At() int64 {
	return cmp.Or(a.CancelledAt, a.CleanedUpAt, a.FinishedAt, a.FinalizedAt, a.AckedAt, a.FailedAt)
}

// Units returns the units of a submission; null ones, which no replica accepts, are left
// out.
func (a *Args) Units() []UnitSpec {
	var units []UnitSpec
	for _, spec := range a.UnitSpecs {
		if spec != nil {
			units = append(units, *spec)
		}
	}
	if len(a.UnitSpecs) == 0 {
		for _, id := range a.UnitIDs {
			units = append(units, UnitSpec{ID: id})
		}
	}
	return units
}

// TenantNames returns the names of the tenants that a command names.
func (a *Args) TenantNames() []string {
	var names []string
	if json.Unmarshal(a.Tenants, &names) == nil {
		return names
	}
	return nil
}

// NewTenants returns the tenants that a command adds.
func (a *Args) NewTenants() []Shard {
	var shards []Shard
	if json.Unmarshal(a.Tenants, &shards) == nil {
		return shards
	}
	return nil
}
