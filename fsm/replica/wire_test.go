package replica

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

func TestOutcomesSurviveTheWire(t *testing.T) {
	permanent := func(sentinel error) error {
		return fmt.Errorf("unit u of task a/b/7: %w: %w", sentinel, fsm.ErrPermanentRejection)
	}
	for name, tc := range map[string]struct {
		err      error
		is       []error
		isNot    []error
		contains string
	}{
		"success": {},
		"a task that does not run": {err: permanent(fsm.ErrTaskNotRunning),
			is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrTaskNotRunning}, isNot: []error{fsm.ErrTaskDoesNotExist}},
		"a task that does not exist": {err: permanent(fsm.ErrTaskDoesNotExist),
			is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrTaskDoesNotExist}},
		"a terminal unit": {err: permanent(fsm.ErrUnitAlreadyTerminal),
			is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrUnitAlreadyTerminal}},
		"a unit of another node": {err: permanent(fsm.ErrUnitWrongNode),
			is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrUnitWrongNode}},
		"a task that cannot be finalized": {err: permanent(fsm.ErrTaskNotInFinalizingState),
			is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrTaskNotInFinalizingState}},
		"a bad command": {err: invalid("no"), is: []error{ErrRejected, fsm.ErrPermanentRejection, fsm.ErrInvalidCommand}},
		"a permanent rejection without a sentinel": {err: fmt.Errorf("odd: %w", fsm.ErrPermanentRejection),
			is: []error{ErrRejected, fsm.ErrPermanentRejection}, isNot: []error{fsm.ErrInvalidCommand}},
		"a rejection that may pass later": {err: errors.New("task a/b is already running with version 3"),
			is: []error{ErrRejected}, isNot: []error{fsm.ErrPermanentRejection, ErrNotCommitted, ErrAmbiguous}, contains: "already running"},
		"a rejection whose words sound permanent": {err: errors.New(`collection "Docs" does not exist`),
			is: []error{ErrRejected}, isNot: []error{fsm.ErrPermanentRejection}, contains: "does not exist"},
		"a stale request":        {err: fmt.Errorf("c/1: %w", errStale), is: []error{ErrRejected, errStale}},
		"an expired session":     {err: fmt.Errorf("c/1: %w", errExpired), is: []error{ErrRejected, errExpired}},
		"words that are no text": {err: errors.New("bad \xff byte"), is: []error{ErrRejected}, contains: "bad \uFFFD byte"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := newOutcome(42, tc.err)
			b, err := forwardResponse{outcome: sent, format: classified}.encode()
			require.NoError(t, err)
			received, err := decodeResponse(b)
			require.NoError(t, err)
			got, err := quietClient().classify("n1", received)
			require.NoError(t, err)
			require.Equal(t, sent, got)
			require.Equal(t, sent.result(), got.result(), "here and there differ")
			if tc.err == nil {
				require.NoError(t, got.err())
				return
			}
			for _, is := range tc.is {
				require.ErrorIs(t, got.err(), is)
			}
			for _, isNot := range tc.isNot {
				require.NotErrorIs(t, got.err(), isNot)
			}
			require.ErrorContains(t, got.err(), tc.contains)
		})
	}
}

func quietClient() *Client {
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	return &Client{config: ClientConfig{Logger: silent}}
}

func TestAnswersOfLeadersThatDoNotClassifyAreReadByTheirWords(t *testing.T) {
	for name, tc := range map[string]struct {
		code     codes.Code
		message  string
		sentinel error // nil when the text means nothing
	}{
		"not running":   {codes.Internal, "task a/b/7 is no longer running", fsm.ErrTaskNotRunning},
		"no task":       {codes.Internal, "task a/b/7 does not exist", fsm.ErrTaskDoesNotExist},
		"terminal unit": {codes.Unknown, "unit u is already terminal", fsm.ErrUnitAlreadyTerminal},
		"wrong node":    {codes.Internal, "unit u belongs to node n1, not n2", fsm.ErrUnitWrongNode},
		"other words":   {codes.Internal, "task a/b is already running", nil},
	} {
		t.Run(name, func(t *testing.T) {
			logger, hook := logtest.NewNullLogger()
			c := &Client{config: ClientConfig{Logger: logger}}
			b, err := forwardResponse{outcome: outcome{Index: 7, Code: tc.code, Message: tc.message}}.encode()
			require.NoError(t, err)
			p, err := decodeResponse(b)
			require.NoError(t, err)
			o, err := c.classify("old", p)
			if tc.sentinel == nil {
				require.ErrorIs(t, err, ErrAmbiguous)
				require.ErrorIs(t, err, errFinal, "the leader would apply it a second time")
				require.Empty(t, hook.AllEntries())
				return
			}
			require.NoError(t, err)
			require.ErrorIs(t, o.err(), fsm.ErrPermanentRejection)
			require.ErrorIs(t, o.err(), tc.sentinel)
			require.ErrorContains(t, o.err(), tc.message)
			require.Len(t, hook.AllEntries(), 1)
			require.Equal(t, logrus.WarnLevel, hook.LastEntry().Level)
		})
	}
}

func TestFailuresOfTheLeaderAreToldFromOutcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"it does not lead":       {fmt.Errorf("no: %w", ErrNotCommitted), ErrNotCommitted},
		"it does not know":       {fmt.Errorf("lost: %w", ErrAmbiguous), ErrAmbiguous},
		"it cannot read it":      {fmt.Errorf("%w: garbage", errFinal), errFinal},
		"it does not know words": {errors.New("odd"), ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			p := forwardResponse{outcome: outcome{Code: codeOf(tc.err), Message: tc.err.Error()}, format: classified}
			_, err := quietClient().classify("n1", p)
			require.ErrorIs(t, err, tc.want)
			require.NotErrorIs(t, err, ErrRejected)
		})
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	whole := forwardRequest{kind: kindPropose, command: []byte("abc")}.encode()
	for name, tc := range map[string]struct {
		b    []byte
		want string
	}{
		"nothing":         {nil, "unknown kind 0"},
		"an unknown kind": {protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 3), "unknown kind 3"},
		"cut off":         {whole[:len(whole)-1], "field 2 at byte 3"},
		"a broken tag":    {[]byte{0x80}, "tag at byte 0"},
	} {
		t.Run("request: "+name, func(t *testing.T) {
			_, err := decodeRequest(tc.b)
			require.ErrorContains(t, err, tc.want)
		})
	}
	b, err := forwardResponse{outcome: outcome{Index: 7, Code: codes.Internal, Message: "no"}, format: classified}.encode()
	require.NoError(t, err)
	for cut := range len(b) - 2 {
		p, err := decodeResponse(b[:cut])
		if cut != 2 { // a success without a format is a whole message, too
			require.Error(t, err, "cut after %d bytes: %+v", cut, p)
		}
	}
	_, err = decodeResponse(protowire.AppendBytes(protowire.AppendTag([]byte{8, 7}, 2, protowire.BytesType), []byte{0xff}))
	require.ErrorContains(t, err, "status")
}

// FuzzSchemaCommand applies arbitrary schema commands: no panic, the state stays
// within its own rules, and a rejection changes nothing.
func FuzzSchemaCommand(f *testing.F) {
	for _, c := range []api.ApplyRequest{createDocs(&testing.T{}), createTenants(&testing.T{}),
		updateProperty(&testing.T{}, "Docs", "title", "field", &MigrationRef{"reindex", "r", 7})} {
		f.Add(int32(c.Type), c.Class, c.SubCommand)
	}
	f.Add(int32(CommandAddTenants), "Notes", []byte(`{"tenants":[{"name":"x","nodes":["n1"]},null]}`))
	f.Add(int32(CommandUpdateTenants), "Notes", []byte(`{"tenants":["anna"],"status":"FROZEN"}`))
	f.Add(int32(CommandDeleteTenants), "Notes", []byte(`{"tenants":["anna"]}`))
	f.Add(int32(CommandDropCollection), "Docs", []byte(`{}`))
	f.Fuzz(func(t *testing.T, typ int32, class string, sub []byte) {
		if typ < 0 || typ > 10 {
			return
		}
		j, r := &journal{t: t}, New(guardedConfig())
		for _, c := range []api.ApplyRequest{createDocs(t), createTenants(t), addTask(t, "reindex", "r", payload{"Docs", "title"}, "u1")} {
			require.NoError(t, j.apply(r, c).Err)
		}
		before := r.Schema()
		res := j.apply(r, api.ApplyRequest{Type: api.CommandType(typ), Class: class, SubCommand: sub})
		if res.Err != nil {
			require.Equal(t, before, r.Schema())
			require.NotContains(t, res.Err.Error(), "panicked")
		}
		restored := New(guardedConfig())
		require.NoError(t, restored.restore(snapshotOf(t, r)))
		require.Equal(t, state(t, r), state(t, restored))
	})
}

// FuzzRestore restores arbitrary documents: no panic; what is accepted is stable.
func FuzzRestore(f *testing.F) {
	r := New(guardedConfig())
	for _, e := range mixedLog(&testing.T{}).entries {
		r.Apply(e)
	}
	f.Add(snapshotOf(f, r))
	f.Add([]byte(`{"applied_index":4,"sessions":[{"client":"c","low":1,"last":1,"outcomes":[{"seq":2,"index":1,"code":9}]}]}`))
	f.Add([]byte(`{"distributed_tasks":null,"schema":[{"name":"A","version":1,"multiTenant":true}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		r := New(guardedConfig())
		before := state(t, r)
		if err := r.restore(document); err != nil {
			require.Equal(t, before, state(t, r))
			return
		}
		again := New(guardedConfig())
		require.NoError(t, again.restore(snapshotOf(t, r)))
		require.Equal(t, state(t, r), state(t, again))
	})
}

// FuzzForward decodes arbitrary messages: no panic; what is read can be written.
func FuzzForward(f *testing.F) {
	f.Add(forwardRequest{kind: kindReadIndex}.encode())
	f.Add(forwardRequest{kind: kindPropose, command: []byte("abc")}.encode())
	b, err := forwardResponse{outcome: newOutcome(7, invalid("no")), format: classified}.encode()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := decodeRequest(b); err == nil {
			again, err := decodeRequest(q.encode())
			require.NoError(t, err)
			require.Equal(t, q.kind, again.kind)
			require.True(t, bytes.Equal(q.command, again.command))
		}
		if p, err := decodeResponse(b); err == nil {
			_, _ = quietClient().classify("n1", p)
			encoded, err := p.encode()
			require.NoError(t, err)
			again, err := decodeResponse(encoded)
			require.NoError(t, err)
			if p.Code == codes.OK {
				p.Message = ""
			}
			require.Equal(t, p, again)
		}
	})
}
