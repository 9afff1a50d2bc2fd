package replica

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

func TestDuplicatesGetTheFirstOutcome(t *testing.T) {
	for name, tc := range map[string]struct {
		request  api.ApplyRequest
		rejected error // what the first outcome matches; nil when it is accepted
	}{
		"an accepted task command":                {request: addTask(t, "cleanup", "a", payload{}, "u1")},
		"an accepted schema command":              {request: createTenants(t)},
		"a permanent rejection":                   {request: finalize(t, "cleanup", "nope", 9), rejected: fsm.ErrTaskDoesNotExist},
		"a rejection that a retry could get past": {request: updateProperty(t, "Nope", "p", "word", nil), rejected: ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			j, r := &journal{t: t}, New(guardedConfig())
			first := j.apply(r, withID(tc.request, "c", 1, 1))
			before := r.Schema()
			tasks := r.Tasks()
			second := j.apply(r, withID(tc.request, "c", 1, 1))

			require.Equal(t, uint64(3), first.Index)
			require.Equal(t, first, second, "the duplicate returns another outcome")
			require.Equal(t, uint64(5), r.AppliedIndex())
			require.Equal(t, before, r.Schema())
			require.Equal(t, tasks, r.Tasks(), "the duplicate has had an effect")
			if tc.rejected == nil {
				require.NoError(t, first.Err)
				return
			}
			require.ErrorIs(t, first.Err, tc.rejected)
			require.ErrorIs(t, first.Err, ErrRejected)
		})
	}
}

func TestARejectionIsRememberedEvenIfTheCommandCouldSucceedNow(t *testing.T) {
	j, r := &journal{t: t}, New(guardedConfig())
	drop := withID(command(t, CommandDropCollection, "Docs", struct{}{}), "c", 1, 1)
	require.ErrorContains(t, j.apply(r, drop).Err, "does not exist")
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.ErrorContains(t, j.apply(r, drop).Err, "does not exist")
	require.NotNil(t, r.Schema().Collection("Docs"))
	drop.RequestID.Seq = 2
	require.NoError(t, j.apply(r, drop).Err)
	require.Nil(t, r.Schema().Collection("Docs"))
}

func TestCommandsWithoutARequestIDApplyAsOftenAsTheyAreCommitted(t *testing.T) {
	j, r := &journal{t: t}, New(Config{})
	require.NoError(t, j.apply(r, createDocs(t)).Err)
	require.ErrorContains(t, j.apply(r, createDocs(t)).Err, "already exists")
}

func TestRequestsBelowTheLowWaterMarkAreStale(t *testing.T) {
	j, r := &journal{t: t}, New(Config{})
	require.NoError(t, j.apply(r, withID(createDocs(t), "c", 4, 1)).Err)
	require.NoError(t, j.apply(r, withID(createTenants(t), "c", 5, 4)).Err)

	late := j.apply(r, withID(command(t, CommandDropCollection, "Docs", struct{}{}), "c", 3, 1))
	require.ErrorIs(t, late.Err, errStale)
	require.ErrorIs(t, late.Err, ErrRejected)
	require.NotErrorIs(t, late.Err, fsm.ErrPermanentRejection)
	require.NotNil(t, r.Schema().Collection("Docs"), "a stale request has had an effect")

	again := j.apply(r, withID(createDocs(t), "c", 4, 1))
	require.Equal(t, Result{Index: 3}, again, "an outcome at the mark is still remembered")
}

func TestRequestsMayCommitOutOfOrder(t *testing.T) {
	j, r := &journal{t: t}, New(Config{})
	require.NoError(t, j.apply(r, withID(createTenants(t), "c", 2, 1)).Err)
	require.NoError(t, j.apply(r, withID(createDocs(t), "c", 1, 1)).Err)
	require.Equal(t, Result{Index: 3}, j.apply(r, withID(createTenants(t), "c", 2, 1)))
	require.Equal(t, Result{Index: 5}, j.apply(r, withID(createDocs(t), "c", 1, 1)))
}

func TestMalformedRequestIDsAreRefusedForEver(t *testing.T) {
	for name, id := range map[string]api.RequestID{
		"no client":          {Seq: 1, Low: 1},
		"no sequence number": {Client: "c", Low: 1},
		"no low":             {Client: "c", Seq: 1},
		"low above seq":      {Client: "c", Seq: 1, Low: 2},
	} {
		t.Run(name, func(t *testing.T) {
			j, r := &journal{t: t}, New(Config{})
			c := createDocs(t)
			c.RequestID = id
			require.ErrorIs(t, j.apply(r, c).Err, fsm.ErrInvalidCommand)
			require.Empty(t, r.Schema().Collections)
		})
	}
}

func TestTheClientThatWasSilentForLongestIsForgotten(t *testing.T) {
	s := newSessions(3)
	index := uint64(0)
	use := func(client string, seq, low uint64) error {
		index++
		id := api.RequestID{Client: client, Seq: seq, Low: low}
		_, duplicate, err := s.admit(id, index)
		if err == nil && !duplicate {
			s.remember(id, outcome{Index: index})
		}
		return err
	}
	require.NoError(t, use("a", 1, 1))
	require.NoError(t, use("b", 1, 1))
	require.NoError(t, use("c", 1, 1))
	require.NoError(t, use("a", 1, 1), "a duplicate counts as a sign of life")
	require.NoError(t, use("d", 1, 1))

	_, known := s.lookup("a", 1)
	require.True(t, known)
	_, known = s.lookup("b", 1)
	require.False(t, known, "b was silent for longest")
	require.ErrorIs(t, use("b", 2, 2), errExpired)
	require.NoError(t, use("b", 2, 1), "one that does not tell since when it is there may be new")
}

// A request of a client that has lost its session may have had its effect: it gets no new one, unless
// the client has come since the last session was dropped.
func TestAClientThatLostItsSessionGetsNoNewOne(t *testing.T) {
	s := newSessions(2)
	index := uint64(10)
	use := func(client string, since uint64) error {
		index++
		id := api.RequestID{Client: client, Seq: 1, Low: 1, Since: since}
		_, duplicate, err := s.admit(id, index)
		if err == nil && !duplicate {
			s.remember(id, outcome{Index: index})
		}
		return err
	}
	require.NoError(t, use("a", 10)) // at 11
	require.NoError(t, use("b", 1))
	require.NoError(t, use("c", 9))
	require.Equal(t, uint64(11), s.dropped)
	require.ErrorIs(t, use("a", 10), errExpired)
	require.NoError(t, use("b", 1), "it still has its own")
	require.ErrorIs(t, use("d", 11), errExpired, "it may have been there")
	require.NoError(t, use("e", 12))
	require.Equal(t, uint64(13), s.dropped)

	restored, err := restoreSessions(2, s.dropped, s.capture())
	require.NoError(t, err)
	require.Equal(t, s, restored)
}

func TestSessionsSurviveASnapshot(t *testing.T) {
	s := newSessions(8)
	for i := range uint64(20) {
		id := api.RequestID{Client: fmt.Sprintf("c%d", i%3), Seq: i/3 + 1, Low: max(1, i/6)}
		_, duplicate, err := s.admit(id, i+1)
		require.NoError(t, err)
		require.False(t, duplicate)
		s.remember(id, newOutcome(i+1, map[bool]error{true: invalid("no %d", i)}[i%2 == 0]))
	}
	b, err := json.Marshal(s.capture())
	require.NoError(t, err)
	var records []sessionRecord
	require.NoError(t, json.Unmarshal(b, &records))
	restored, err := restoreSessions(8, 0, records)
	require.NoError(t, err)
	require.Equal(t, s, restored)
}

func TestBrokenSessionsAreNotRestored(t *testing.T) {
	for name, tc := range map[string]struct{ document, want string }{
		"no client":             {`[{"low":1,"last":1}]`, "sessions[0]"},
		"no low":                {`[{"client":"c","last":1}]`, "sessions[0]"},
		"a client twice":        {`[{"client":"c","low":1,"last":2},{"client":"c","low":1,"last":3}]`, "twice"},
		"one that was dropped":  {`[{"client":"c","low":1,"last":1}]`, "all up to 1 were dropped"},
		"a last index twice":    {`[{"client":"c","low":1,"last":2},{"client":"d","low":1,"last":2}]`, "last index 2"},
		"outcomes out of order": {`[{"client":"c","low":1,"last":2,"outcomes":[{"seq":2,"index":1},{"seq":1,"index":1}]}]`, "outcomes[1]"},
		"an outcome below low":  {`[{"client":"c","low":3,"last":2,"outcomes":[{"seq":2,"index":1}]}]`, "outcomes[0]"},
		"too many clients":      {`[{"client":"c","low":1,"last":1},{"client":"d","low":1,"last":2},{"client":"e","low":1,"last":3}]`, "3 clients"},
	} {
		t.Run(name, func(t *testing.T) {
			var records []sessionRecord
			require.NoError(t, json.Unmarshal([]byte(tc.document), &records))
			_, err := restoreSessions(2, 1, records)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAClientsLowWaterMarkIsItsOldestOpenRequest(t *testing.T) {
	s := newClientSession("n1#1", 7)
	a, b, c := s.begin(), s.begin(), s.begin()
	require.Equal(t, []uint64{1, 1, 1}, []uint64{a.Low, b.Low, c.Low})
	s.end(b)
	require.Equal(t, api.RequestID{Client: "n1#1", Seq: 4, Low: 1, Since: 7}, s.begin())
	s.end(a)
	require.Equal(t, api.RequestID{Client: "n1#1", Seq: 5, Low: 3, Since: 7}, s.begin())

	s.renew("n1#1", 9)
	s.renew("n1#1", 10)
	s.end(c)
	require.Equal(t, api.RequestID{Client: "n1#1~1", Seq: 1, Low: 1, Since: 9}, s.begin(), "several requests learn of it, one renews")
}
