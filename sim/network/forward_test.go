package network_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/network"
	"dtsim/sim/trace"
)

func TestAForwardedRequestIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		kept := []byte("answer to ")
		b.HandleForward(func(_ context.Context, from string, request []byte) ([]byte, error) {
			require.Equal(t, "n1", from)
			kept = append(kept[:10], request...)
			request[0] = 'X'
			return kept, nil
		})
		request := []byte("question")
		got, err := a.Forward(t.Context(), "n2", request)
		kept[0] = 'X'
		require.NoError(t, err)
		require.Equal(t, "answer to question", string(got))
		require.Equal(t, "question", string(request))
		events := n.events()
		require.Len(t, events, 2)
		require.Equal(t, "forward", events[0].Str("msg"))
		require.Equal(t, "forward-reply", events[1].Str("msg"))
		require.Equal(t, int64(18), events[1].Int("size"))
	})
}

func TestTheErrorOfAHandlerNamesTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		_, err := a.Forward(t.Context(), "n2", nil)
		require.EqualError(t, err, "network: error of n2: there is no handler for forwarded requests")
		b.HandleForward(func(context.Context, string, []byte) ([]byte, error) { return nil, errTorn })
		_, err = a.Forward(t.Context(), "n2", nil)
		var remote *network.RemoteError
		require.True(t, errors.As(err, &remote))
		require.Equal(t, network.RemoteError{Node: "n2", Message: "torn"}, *remote)
		require.NotErrorIs(t, err, errTorn)
		_, err = a.Forward(t.Context(), "n9", nil)
		require.EqualError(t, err, `network: there is no node "n9"`)
	})
}

func TestTheDeadlineTravelsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		waited := make(chan time.Duration, 1)
		ended := make(chan error, 1)
		b.HandleForward(func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			begun := time.Now()
			<-ctx.Done()
			waited <- time.Since(begun)
			ended <- ctx.Err()
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := a.Forward(ctx, "n2", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 500*time.Millisecond, time.Since(n.start))
		require.ErrorIs(t, <-ended, context.DeadlineExceeded)
		require.Equal(t, 500*time.Millisecond, <-waited)

		_, err = a.Forward(ctx, "n2", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestACallerThatGivesUpLearnsItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a := n.Open("n1", 1) // there is no n2
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := a.Forward(ctx, "n2", nil)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Second, time.Since(n.start))

		_, err = a.Forward(t.Context(), "n2", nil) // no deadline
		require.ErrorIs(t, err, network.ErrTimeout)
		require.WithinRange(t, time.Now(), n.start.Add(5*time.Second), n.start.Add(5*time.Second+time.Millisecond))
	})
}

func TestTheDeathOfTheServerEndsItsHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, b := n.Open("n1", 1), n.Open("n2", 1)
		done := make(chan string, 3)
		b.HandleForward(func(ctx context.Context, _ string, request []byte) ([]byte, error) {
			<-ctx.Done()
			done <- string(request)
			return []byte("too late"), nil
		})
		for _, request := range []string{"1", "2", "3"} {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_, err := a.Forward(ctx, "n2", []byte(request))
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}()
			time.Sleep(50 * time.Millisecond)
		}
		b.Close()
		require.Equal(t, 150*time.Millisecond, time.Since(n.start))
		require.ElementsMatch(t, []string{"1", "2", "3"}, []string{<-done, <-done, <-done})
		require.Equal(t, 150*time.Millisecond, time.Since(n.start))
		time.Sleep(2 * time.Second)
		for _, e := range n.events() {
			require.False(t, e.Kind == trace.MessageSent && e.Node == "n2", "sent by the dead: %v", e)
		}
	})
}
