package taskevent

import (
	"encoding/json"
	"fmt"
	"time"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// StartedAgain: the scheduler of a node, which was started, was asked to start once more.
type StartedAgain struct {
	// Error is why it did not.
	Error string
}

func (*StartedAgain) Kind() trace.Kind         { return trace.StartedAgain }
func (b *StartedAgain) Schema(s *trace.Schema) { s.Str("error", &b.Error) }

// SchedulerClosing: the scheduler of a node is about to be closed.
type SchedulerClosing struct{}

func (*SchedulerClosing) Kind() trace.Kind     { return trace.SchedulerClosing }
func (*SchedulerClosing) Schema(*trace.Schema) {}

// SchedulerClosed: it has been closed, and Close has returned.
type SchedulerClosed struct{}

func (*SchedulerClosed) Kind() trace.Kind     { return trace.SchedulerClosed }
func (*SchedulerClosed) Schema(*trace.Schema) {}

// Listed: a node listed the tasks.
type Listed struct {
	// Index is the applied index that the list is at least of.
	Index uint64
	// Count is how many tasks it has.
	Count int64
	// Called is when it was asked for.
	Called time.Duration
	// Op is the operation whose list it is; that of a scheduler has none.
	Op trace.Opt[int64]
	// Contents is what it shows, see [ListContents]: equal lists have equal contents.
	Contents string
}

func (*Listed) Kind() trace.Kind { return trace.Listed }
func (b *Listed) Schema(s *trace.Schema) {
	s.Uint("index", &b.Index)
	s.Int("tasks", &b.Count)
	s.Dur("called", &b.Called)
	s.SomeInt("op", &b.Op)
	s.Str("contents", &b.Contents)
}

// Tasks returns what the list shows, in its order.
func (b *Listed) Tasks() ([]ListedTask, error) {
	var tasks []ListedTask
	if err := json.Unmarshal([]byte(b.Contents), &tasks); err != nil {
		return nil, fmt.Errorf("contents of a list: %w", err)
	}
	return tasks, nil
}

// ListedTask is what a list of tasks shows of one of them: enough to determine
// which state of the log the list is of.
type ListedTask struct {
	Namespace string     `json:"ns"`
	ID        string     `json:"id"`
	Version   uint64     `json:"v"`
	Status    TaskStatus `json:"status"`
	// Claimed and Terminal count units.
	Claimed  int `json:"claimed,omitempty"`
	Terminal int `json:"terminal,omitempty"`
	// Prepared and Swapped hold the nodes that have acknowledged, and with which
	// outcome.
	Prepared map[string]bool `json:"prepared,omitempty"`
	Swapped  map[string]bool `json:"swapped,omitempty"`
	// Digest is that of the whole task, in hexadecimal; see models/spec.
	Digest string `json:"digest,omitempty"`
}

// Run returns the run that the list shows.
func (t *ListedTask) Run() Run { return Run{t.Namespace, t.ID, t.Version} }

// ListContents returns the contents of a list: equal lists have equal contents.
func ListContents(tasks []ListedTask) string {
	if tasks == nil {
		tasks = []ListedTask{}
	}
	b, err := json.Marshal(tasks)
	if err != nil {
		panic(fmt.Sprintf("taskevent: a list cannot be encoded: %v", err)) // no field's type can fail
	}
	return string(b)
}

// ListFailed: a list was asked for and there was no answer.
type ListFailed struct {
	Error string
	// Op is the operation that asked for it; a scheduler has none.
	Op trace.Opt[int64]
}

func (*ListFailed) Kind() trace.Kind { return trace.ListFailed }
func (b *ListFailed) Schema(s *trace.Schema) {
	s.Str("error", &b.Error)
	s.SomeInt("op", &b.Op)
}

// What nodes hold when the run ends, besides what those of any application hold.
const (
	// RestRecord is the record of a run: Run, Status, Digest.
	RestRecord = "record"
	// RestLocal is the local state of a provider: Run.
	RestLocal = "local"
	// RestSchema is a property of the schema: Collection, Property, Tokenization.
	RestSchema = "schema"
	// RestShard is a replica of a shard: Collection, Shard, Property, Tokenization.
	RestShard = "shard"
	// RestAlone is a tenant that has swapped alone: Collection, Shard, Property, and the
	// Version of the run, as the schema has it.
	RestAlone = "alone"
	// RestTask is a task that the scheduler looks after: Namespace and Task.
	RestTask = "looked-after"
	// RestUnit is a unit whose progress is throttled: Run, Unit.
	RestUnit = "throttled"
	// RestSession is a client's session: Client, and Count outcomes that it may ask for again.
	RestSession = "session"
	// RestWaiting is Count, how many wait for the log.
	RestWaiting = "waiting"
)

// Rest is something that a node holds when the run ends; which fields it has stands at the
// constants.
type Rest struct {
	What string
	Run
	Status TaskStatus
	// Digest is that of models/spec, in hexadecimal.
	Digest                                    string
	Collection, Shard, Property, Tokenization string
	Unit, Client                              string
	Count                                     int64
}

// RestOf returns what an event of the end is about, if it is one of the constants.
func RestOf(e *event.AtRest) (r Rest) {
	r.What = e.What
	trace.ReadFields(e.Details, &r)
	return r
}

// Event returns the event that records it.
func (r Rest) Event() *event.AtRest {
	return &event.AtRest{What: r.What, Details: trace.FieldsOf(&r)}
}

// Schema is that of the details of an [event.AtRest].
func (r *Rest) Schema(s *trace.Schema) {
	switch r.What {
	case RestRecord:
		r.Run.Schema(s)
		s.Str("status", (*string)(&r.Status))
		s.Str("digest", &r.Digest)
	case RestLocal:
		r.Run.Schema(s)
	case RestSchema:
		s.Str("collection", &r.Collection)
		s.Str("property", &r.Property)
		s.Str("tokenization", &r.Tokenization)
	case RestShard:
		s.Str("collection", &r.Collection)
		s.Str("shard", &r.Shard)
		s.Str("property", &r.Property)
		s.Str("tokenization", &r.Tokenization)
	case RestAlone:
		s.Str("collection", &r.Collection)
		s.Str("shard", &r.Shard)
		s.Str("property", &r.Property)
		s.Uint("version", &r.Version)
	case RestTask:
		s.Str("namespace", &r.Namespace)
		s.Str("task", &r.Task)
	case RestUnit:
		r.Run.Schema(s)
		s.Str("unit", &r.Unit)
	case RestSession:
		s.Str("client", &r.Client)
		s.Int("count", &r.Count)
	case RestWaiting:
		s.Int("count", &r.Count)
	}
}
