package property

import (
	"cmp"
	"encoding/json"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/sim/trace"
)

// command is a committed command with its outcome.
type command struct {
	index uint64
	name  string
	class string
	// outcome is "ok" or the rejection.
	outcome string
	// duplicate says that the sessions knew its outcome.
	duplicate bool
	// accepted says that it took effect now: it is neither rejected nor a duplicate.
	accepted bool
	body     body
	// request names the request that it is.
	request request
	// sub is the command as it stands in the log.
	sub string
}

// stamp is the time in the command, in ms since 1970; 0 for a command without.
func (c *command) stamp() int64 {
	b := &c.body
	return cmp.Or(b.CancelledAt, b.CleanedUpAt, b.FinishedAt, b.FinalizedAt, b.AckedAt, b.FailedAt)
}

// body has the fields of all commands that a check looks at.
type body struct {
	Namespace               string          `json:"namespace"`
	ID                      string          `json:"id"`
	Version                 uint64          `json:"version"`
	Payload                 []byte          `json:"payload"`
	UnitIDs                 []string        `json:"unit_ids"`
	UnitSpecs               []*api.UnitSpec `json:"unit_specs"`
	NeedsPreparationBarrier bool            `json:"needs_preparation_barrier"`
	AcksRequired            bool            `json:"acks_required"`
	NodeID                  string          `json:"node_id"`
	UnitID                  string          `json:"unit_id"`
	Error                   string          `json:"error"`
	Success                 bool            `json:"success"`
	CancelledAt             int64           `json:"cancelled_at_unix_millis"`
	CleanedUpAt             int64           `json:"cleaned_up_at_unix_millis"`
	TTL                     int64           `json:"completed_task_ttl_millis"`
	FinishedAt              int64           `json:"finished_at_unix_millis"`
	FinalizedAt             int64           `json:"finalized_at_unix_millis"`
	AckedAt                 int64           `json:"acked_at_unix_millis"`
	FailedAt                int64           `json:"failed_at_unix_millis"`

	Property     string                `json:"property"`
	Tokenization string                `json:"tokenization"`
	Migration    *replica.MigrationRef `json:"migration"`
	Properties   map[string]string     `json:"properties"`
	Shards       []replica.ShardSpec   `json:"shards"`
	Tenants      json.RawMessage       `json:"tenants"`
}

// The names commands have in a trace.
var (
	addTask          = replica.CommandName(api.CommandAddTask)
	cancelTask       = replica.CommandName(api.CommandCancelTask)
	cleanUpTask      = replica.CommandName(api.CommandCleanUpTask)
	unitCompletion   = replica.CommandName(api.CommandRecordUnitCompletion)
	unitProgress     = replica.CommandName(api.CommandUpdateUnitProgress)
	markFinalized    = replica.CommandName(api.CommandMarkTaskFinalized)
	postAck          = replica.CommandName(api.CommandRecordPostAck)
	preparationAck   = replica.CommandName(api.CommandRecordPreparationAck)
	markFailed       = replica.CommandName(api.CommandMarkTaskFailed)
	createCollection = replica.CommandName(replica.CommandCreateCollection)
	dropCollection   = replica.CommandName(replica.CommandDropCollection)
	updateProperty   = replica.CommandName(replica.CommandUpdateProperty)
	addTenants       = replica.CommandName(replica.CommandAddTenants)
	deleteTenants    = replica.CommandName(replica.CommandDeleteTenants)
)

// readCommand reads a Committed event. A command whose body cannot be read has an
// empty one: whether it may be accepted is for the checks to say.
func readCommand(e *trace.Event) *command {
	c := &command{name: e.Str("command"), class: e.Str("class"), request: requestOf(e)}
	index, _ := e.Get("index")
	c.index = index.Uint()
	_, duplicate := e.Get("first")
	c.outcome, c.duplicate = e.Str("outcome"), duplicate
	c.accepted = c.outcome == "ok" && !duplicate
	if c.sub = e.Str("body"); c.sub != "" {
		if err := json.Unmarshal([]byte(c.sub), &c.body); err != nil {
			c.body = body{}
		}
	}
	return c
}

// names reads the names of tenants.
func (b *body) names() []string {
	var names []string
	if json.Unmarshal(b.Tenants, &names) == nil {
		return names
	}
	return nil
}

// specs reads the placement of tenants.
func (b *body) specs() []replica.ShardSpec {
	var specs []replica.ShardSpec
	if json.Unmarshal(b.Tenants, &specs) == nil {
		return specs
	}
	return nil
}
