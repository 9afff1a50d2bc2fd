package history

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/spec"
	"dtsim/sim/trace"
)

// inherited is a snapshot of a newer version, with a task in a status of its own.
const inherited = `{"applied_index":2,"distributed_tasks":{"tasks":{"n":[{"namespace":"n","ID":"a","version":2,"status":"PAUSED",` +
	`"payload":"Qw==","units":{"u":{"id":"u","status":"PENDING"}},"pausedBy":"somebody"}]}},"schema":[{"name":"C"}]}`

// ofCollections has the payloads of tasks name their collections.
var ofCollections = &spec.Rules{Collections: map[string]func([]byte) (string, bool){
	"n": func(payload []byte) (string, bool) { return string(payload), true },
}}

func TestAHistoryBeginsWithWhatIsInherited(t *testing.T) {
	c := NewCollector()
	c.Observe(trace.Event{Kind: trace.Inherited, Fields: []trace.Field{trace.Uint("index", 2), trace.Str("snapshot", inherited)}})
	begun, err := c.History()
	require.NoError(t, err)
	require.Equal(t, []string{"C"}, begun.Beginning.Collections)
	task := begun.Beginning.begin(nil).Task("n", "a")
	require.Equal(t, spec.Status("PAUSED"), task.Status)
	shown := Shown{"n", "a", strconv.FormatUint(task.Digest(), 16)}

	again := Op{Kind: Add, Args: json.RawMessage(`{"namespace":"n","id":"a","payload":"Qw==","unit_ids":["u"]}`), Call: 1, Return: 3, AppliedAt: 2, Index: 3}
	beside := Op{Kind: Add, Args: json.RawMessage(`{"namespace":"n","id":"b","payload":"Qw==","unit_ids":["u"]}`), Call: 1, Return: 3, AppliedAt: 2, Index: 3}
	giveUp := Op{Kind: GiveUp, Args: json.RawMessage(`{"namespace":"n","id":"a","version":2}`), Call: 1, Return: 3, AppliedAt: 2, Index: 3}
	drop := Op{Kind: DropCollection, Collection: "c", Call: 1, Return: 3, AppliedAt: 2, Index: 3}
	list := Op{Kind: List, Call: 4, Return: 5, Outcome: OK}
	for name, tc := range map[string]struct {
		ops  []Op
		want Verdict
	}{
		"nothing happens, and it is listed":     {[]Op{with(list, func(o *Op) { o.Shows = []Shown{shown} })}, Legal},
		"nothing happens, and it is not listed": {[]Op{list}, Illegal},
		"its id is refused":                     {[]Op{with(again, refused), with(list, func(o *Op) { o.Shows = []Shown{shown} })}, Legal},
		"its id is taken":                       {[]Op{with(again, accepted)}, Illegal},
		"it cannot be given up":                 {[]Op{with(giveUp, refused)}, Legal},
		"it is given up":                        {[]Op{with(giveUp, accepted)}, Illegal},
		"its collection is there for others":    {[]Op{with(beside, accepted)}, Legal},
		"its collection is dropped":             {[]Op{with(drop, accepted), list}, Legal},
		"its collection is dropped without it":  {[]Op{with(drop, accepted), with(list, func(o *Op) { o.Shows = []Shown{shown} })}, Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			h := &History{Beginning: begun.Beginning, Ops: tc.ops}
			r, err := Judge(h, ofCollections)
			require.NoError(t, err)
			require.Equal(t, tc.want, r.CommitOrder, "%v", r.Findings)
			require.Equal(t, tc.want, r.Porcupine)

			var file bytes.Buffer
			require.NoError(t, Write(&file, h))
			read, err := Read(&file)
			require.NoError(t, err)
			require.Equal(t, h, read)
		})
	}
}

func TestABeginningThatNobodyCanReadIsRefused(t *testing.T) {
	for name, snapshot := range map[string]string{
		"no JSON":              `{`,
		"a number for tasks":   `{"distributed_tasks":7}`,
		"a task in two places": `{"distributed_tasks":{"tasks":{"m":[{"namespace":"n","ID":"a"}]}}}`,
		"a task that is not":   `{"distributed_tasks":{"tasks":{"m":[null]}}}`,
		"a task that is twice": `{"distributed_tasks":{"tasks":{"n":[{"namespace":"n","ID":"a"},{"namespace":"n","ID":"a"}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := NewCollector()
			c.Observe(trace.Event{Kind: trace.Inherited, Fields: []trace.Field{trace.Str("snapshot", snapshot)}})
			_, err := c.History()
			require.ErrorContains(t, err, "history: ")
		})
	}
	h := &History{Beginning: Beginning{Tasks: json.RawMessage(`7`)}}
	_, err := Judge(h, nil)
	require.ErrorContains(t, err, "history: beginning: ")
	require.ErrorContains(t, Write(&bytes.Buffer{}, h), "history: beginning: ")
	_, err = Read(bytes.NewReader([]byte(`{"history":1,"beginning":{"tasks":7}}`)))
	require.ErrorContains(t, err, "history: line 1: history: beginning: ")
}

func accepted(o *Op) { o.Outcome = OK }

func refused(o *Op) { o.Outcome, o.Verdict = Rejected, "retryable" }
