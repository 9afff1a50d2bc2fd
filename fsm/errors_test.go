package fsm

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// overTheWire sends a status error through its protobuf bytes, as gRPC does.
func overTheWire(t *testing.T, err error) error {
	s, ok := status.FromError(err)
	require.True(t, ok)
	b, err := proto.Marshal(s.Proto())
	require.NoError(t, err)
	received := new(rpcstatus.Status)
	require.NoError(t, proto.Unmarshal(b, received))
	return status.ErrorProto(received)
}

func TestPermanentRejectionsSurviveTheWire(t *testing.T) {
	for _, m := range markers {
		original := wrapPermanent(m.sentinel, "task %s/%d is odd", "ns/a", 1)
		for name, sent := range map[string]error{
			"as it is":       original,
			"wrapped":        fmt.Errorf("executing command: %w", original),
			"wrapped twice":  fmt.Errorf("apply: %w", fmt.Errorf("executing command: %w", original)),
			"joined":         errors.Join(errors.New("other"), original),
			"without marker": errors.Join(m.sentinel, ErrPermanentRejection),
		} {
			t.Run(m.id+" "+name, func(t *testing.T) {
				remote := ToRPCError(sent)
				require.Equal(t, PermanentRejectionRPCCode, status.Code(remote))
				require.Contains(t, status.Convert(remote).Message(), sent.Error(), "the whole text travels")
				require.Equal(t, m.id, extractMarkerID(status.Convert(remote).Message()), "older peers look for the marker in front")

				received := overTheWire(t, remote)
				for hop := range 3 {
					got := RehydratePermanentRejection(fmt.Errorf("executing command: %w", received))
					require.ErrorIs(t, got, ErrPermanentRejection)
					for _, other := range markers {
						require.Equal(t, other.id == m.id, errors.Is(got, other.sentinel), "hop %d: %s", hop, other.id)
					}
					require.Contains(t, got.Error(), sent.Error())
					require.Equal(t, got, RehydratePermanentRejection(got), "once is enough")
					received = overTheWire(t, ToRPCError(got))
				}
			})
		}
	}
}

func TestWrapPermanent(t *testing.T) {
	err := wrapPermanent(ErrTaskNotRunning, "task %s is no longer running", "ns/a")
	require.EqualError(t, err, "[dtm-perm/task-not-running] task ns/a is no longer running: task is no longer running: permanent FSM rejection")
	require.ErrorIs(t, err, ErrTaskNotRunning)
	require.ErrorIs(t, err, ErrPermanentRejection)

	unnamed := errors.New("unnamed")
	err = wrapPermanent(unnamed, "odd")
	require.EqualError(t, err, "odd: unnamed: permanent FSM rejection")
	require.ErrorIs(t, err, unnamed)
	require.ErrorIs(t, err, ErrPermanentRejection)
}

func TestToRPCErrorLeavesTheRestToTheCaller(t *testing.T) {
	require.NoError(t, ToRPCError(nil))
	require.NoError(t, ToRPCError(errors.New("no leader")))
	require.NoError(t, ToRPCError(status.Error(codes.FailedPrecondition, "[dtm-perm/task-not-exist] not ours yet")))
	require.NoError(t, ToRPCError(fmt.Errorf("not yet: %w", ErrTaskNotInFinalizingState)), "a sentinel alone is not permanent")
	require.Equal(t, "bad \uFFFD byte: permanent FSM rejection",
		status.Convert(overTheWire(t, ToRPCError(fmt.Errorf("bad \xff byte: %w", ErrPermanentRejection)))).Message())
}

func TestRehydratePermanentRejection(t *testing.T) {
	rpc := func(code codes.Code, text string) error { return status.Error(code, text) }
	permanent := func(text string) error { return rpc(PermanentRejectionRPCCode, text) }
	for name, tc := range map[string]struct {
		err       error
		permanent bool
		sentinel  error
	}{
		"another error stays":                       {err: errors.New("[dtm-perm/task-not-exist] x")},
		"another code stays":                        {err: rpc(codes.Internal, "[dtm-perm/task-not-exist] x")},
		"a wrapped status of another code stays":    {err: fmt.Errorf("w: %w", rpc(codes.Unavailable, "[dtm-perm/task-not-exist] x"))},
		"a message without marker is permanent":     {permanent("x"), true, nil},
		"an unknown marker is permanent":            {permanent("[dtm-perm/of-the-future] x"), true, nil},
		"an empty marker is permanent":              {permanent("[dtm-perm/] x"), true, nil},
		"a marker that does not end is permanent":   {permanent("[dtm-perm/task-not-exist"), true, nil},
		"a marker in front is found":                {permanent("[dtm-perm/task-not-exist] x"), true, ErrTaskDoesNotExist},
		"a marker further on is found":              {permanent("leader says: [dtm-perm/unit-terminal] x"), true, ErrUnitAlreadyTerminal},
		"a known marker behind an unknown is too":   {permanent("[dtm-perm/of-the-future] [dtm-perm/unit-wrong-node] x"), true, ErrUnitWrongNode},
		"of two known markers the first one counts": {permanent("[dtm-perm/task-not-running] [dtm-perm/unit-wrong-node] x"), true, ErrTaskNotRunning},
		"a marker behind one that does not end":     {permanent("[dtm-perm/[dtm-perm/invalid-command] x"), true, ErrInvalidCommand},
	} {
		t.Run(name, func(t *testing.T) {
			got := RehydratePermanentRejection(tc.err)
			require.ErrorIs(t, got, tc.err)
			require.Equal(t, tc.err.Error(), got.Error())
			require.Equal(t, tc.permanent, errors.Is(got, ErrPermanentRejection))
			if !tc.permanent {
				require.Equal(t, tc.err, got)
			}
			for _, m := range markers {
				require.Equal(t, m.sentinel == tc.sentinel, errors.Is(got, m.sentinel), m.id)
			}
		})
	}
	require.NoError(t, RehydratePermanentRejection(nil))
}

func TestExtractMarkerID(t *testing.T) {
	for text, want := range map[string]string{
		"[dtm-perm/a-b] text":  "a-b",
		"[dtm-perm/]":          "",
		"[dtm-perm/a-b":        "",
		" [dtm-perm/a-b] text": "",
		"":                     "",
	} {
		require.Equal(t, want, extractMarkerID(text), text)
	}
}

// TestMarkersArePinned: other versions read them.
func TestMarkersArePinned(t *testing.T) {
	require.Equal(t, codes.FailedPrecondition, PermanentRejectionRPCCode)
	for id, sentinel := range map[string]error{
		"task-not-running": ErrTaskNotRunning, "task-not-exist": ErrTaskDoesNotExist, "unit-terminal": ErrUnitAlreadyTerminal,
		"unit-wrong-node": ErrUnitWrongNode, "task-not-finalizing": ErrTaskNotInFinalizingState, "invalid-command": ErrInvalidCommand,
	} {
		require.Equal(t, id, markerID(sentinel))
	}
	require.Len(t, markers, 6)
	require.Empty(t, markerID(ErrPermanentRejection))
}
