package network_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/keyed"
	"dtsim/sim/network"
	"dtsim/sim/pause"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// rule is a Rule as faults make them.
func rule(e network.Effect) network.Rule {
	return network.Rule{Fault: event.Fault{Index: 7}, Draw: keyed.New(1, "fault"), Effect: e}
}

// inbox lets an endpoint answer forwarded requests at once, and notes them.
type inbox struct {
	mu   sync.Mutex
	got  []string
	when []time.Time
}

func (b *inbox) serve(_ context.Context, _ string, request []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got, b.when = append(b.got, string(request)), append(b.when, time.Now())
	request[0] = 'X' // the receiver owns it
	return []byte("ok"), nil
}

// ask forwards a number of requests, a time apart, and waits for all answers.
func ask(t *testing.T, e *network.Endpoint, number int, apart time.Duration) (answered int) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	for i := range number {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := e.Forward(ctx, "n2", fmt.Appendf(nil, "%03d", i)); err == nil {
				mu.Lock()
				answered++
				mu.Unlock()
			}
		})
		time.Sleep(apart)
	}
	wait.Wait()
	return answered
}

// disturbed runs a number of requests from n1 to n2 under a rule.
func disturbed(t *testing.T, r network.Rule, number int, apart time.Duration, f func(n *net, b *inbox, answered int)) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, e := n.Open("n1", 1), n.Open("n2", 1)
		b := &inbox{}
		e.HandleForward(b.serve)
		end := n.AddRule(r)
		answered := ask(t, a, number, apart)
		time.Sleep(time.Minute)
		f(n, b, answered)
		end()
		require.Equal(t, 5, ask(t, a, 5, time.Second), "the rule is over")
	})
}

func activations(events []trace.Event) (n int) {
	for _, e := range events {
		if e.Kind == trace.FaultActivated && e.Int("fault") == 7 {
			n++
		}
	}
	return n
}

func TestALostRequestIsNotServed(t *testing.T) {
	r := rule(network.Lose)
	r.Rate, r.Messages = 500_000, []string{"forward"}
	disturbed(t, r, 100, time.Second, func(n *net, b *inbox, answered int) {
		require.Equal(t, answered, len(b.got))
		require.InDelta(t, 50, answered, 20)
		require.Equal(t, 100-answered, activations(n.events()))
	})
}

func TestALostReplyIsOfARequestThatWasServed(t *testing.T) {
	r := rule(network.Lose)
	r.Messages = []string{"forward-reply"}
	disturbed(t, r, 10, time.Second, func(n *net, b *inbox, answered int) {
		require.Len(t, b.got, 10)
		require.Zero(t, answered)
	})
}

func TestACutHasADirection(t *testing.T) {
	for _, c := range []struct {
		name         string
		from, to     []string
		served, lost int
	}{
		{"requests", []string{"n1"}, nil, 0, 5},
		{"replies", []string{"n2"}, []string{"n1", "n3"}, 5, 5},
		{"another link", []string{"n3"}, nil, 5, 0},
		{"a link of no node", []string{"none"}, nil, 5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rule(network.Cut)
			r.From, r.To = c.from, c.to
			disturbed(t, r, 5, time.Second, func(n *net, b *inbox, answered int) {
				require.Len(t, b.got, c.served)
				require.Equal(t, 5-c.lost, answered)
			})
		})
	}
}

func TestADelayedMessageTakesLonger(t *testing.T) {
	r := rule(network.Delay)
	r.Min, r.Max, r.Messages = 200*time.Millisecond, 300*time.Millisecond, []string{"forward"}
	disturbed(t, r, 20, time.Second, func(n *net, b *inbox, answered int) {
		require.Equal(t, 20, answered)
		for i, when := range b.when {
			took := when.Sub(n.start) - time.Duration(i)*time.Second
			require.GreaterOrEqual(t, took, 201*time.Millisecond)
			require.Less(t, took, 321*time.Millisecond)
		}
	})
}

func TestADuplicateIsServedAgainAndAnsweredOnce(t *testing.T) {
	r := rule(network.Duplicate)
	r.Min, r.Max, r.Messages, r.Count = 3*time.Second, 5*time.Second, []string{"forward"}, 4
	disturbed(t, r, 10, 20*time.Second, func(n *net, b *inbox, answered int) {
		require.Equal(t, 10, answered)
		require.Len(t, b.got, 14)
		require.Equal(t, []string{"000", "000", "001", "001"}, b.got[:4], "the second is a copy that the first receiver has not touched")
		require.GreaterOrEqual(t, b.when[1].Sub(b.when[0]), 3*time.Second)
		require.Less(t, b.when[1].Sub(b.when[0]), 5*time.Second)
		require.Equal(t, 4, activations(n.events()))
	})
}

func TestAHeldMessageIsOvertakenByTheNext(t *testing.T) {
	r := rule(network.Hold)
	r.Max, r.Messages, r.Count = 900*time.Millisecond, []string{"forward"}, 1
	disturbed(t, r, 3, 100*time.Millisecond, func(n *net, b *inbox, answered int) {
		require.Equal(t, 3, answered)
		require.Equal(t, []string{"001", "000", "002"}, b.got)
		require.Equal(t, 1, activations(n.events()))
	})
}

func TestAHeldMessageArrivesEvenIfNothingComesBehindIt(t *testing.T) {
	r := rule(network.Hold)
	r.Max, r.Messages = 400*time.Millisecond, []string{"forward"}
	disturbed(t, r, 4, 600*time.Millisecond, func(n *net, b *inbox, answered int) {
		require.Equal(t, 4, answered)
		require.Equal(t, []string{"000", "001", "002", "003"}, b.got)
		require.GreaterOrEqual(t, b.when[0].Sub(n.start), 400*time.Millisecond)
	})
}

// Which messages activate a rule depends on their identity, not on order or other rules.
func TestARuleIsActivatedByIdentity(t *testing.T) {
	served := func(order []int, more bool) map[string]bool {
		got := map[string]bool{}
		synctest.Test(t, func(t *testing.T) {
			n := newNet(t, 1)
			a, e := n.Open("n1", 1), n.Open("n2", 1)
			b := &inbox{}
			e.HandleForward(b.serve)
			if more {
				other := rule(network.Delay)
				other.Max = time.Millisecond
				n.AddRule(other)
			}
			r := rule(network.Lose)
			r.Rate, r.Messages = 400_000, []string{"forward"}
			n.AddRule(r)
			for _, i := range order {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, _ = a.Forward(ctx, "n2", fmt.Append(nil, i))
				cancel()
			}
			for _, s := range b.got {
				got[s] = true
			}
		})
		return got
	}
	first := served([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, false)
	require.NotEmpty(t, first)
	require.Less(t, len(first), 9)
	require.Equal(t, first, served([]int{9, 8, 7, 6, 5, 4, 3, 2, 1}, false))
	require.Equal(t, first, served([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, true))
}

func TestAPausedEndpointNeitherReceivesNorSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, e := n.Open("n1", 1), n.Open("n2", 1)
		b := &inbox{}
		defer a.Close()
		e.HandleForward(b.serve)
		var errOut error
		var wait sync.WaitGroup
		e.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for i := range 3 {
			wait.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				if _, err := a.Forward(ctx, "n2", fmt.Append(nil, i)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Go(func() { _, errOut = ping(e, "n1", 1) })
		time.Sleep(5 * time.Second)
		require.Empty(t, b.got)
		pause.Release(keyed.New(1, "pause"), e.Resume())
		wait.Wait()
		require.ElementsMatch(t, []string{"0", "1", "2"}, b.got)
		require.ErrorIs(t, errOut, network.ErrTimeout, "it has waited too long, and learns so when it wakes up")
		require.GreaterOrEqual(t, time.Since(n.start), 5*time.Second)
		for _, event := range n.events() {
			require.False(t, event.Node == "n2" && event.At < 5*time.Second)
		}
	})
}

// Two nodes send appends and votes to a paused one: each connection keeps its order, and the orders of
// connections are drawn.
func TestWhatWaitsForAPausedEndpointComesInADrawnOrder(t *testing.T) {
	arrive := func(seed uint64) (order string) {
		synctest.Test(t, func(t *testing.T) {
			n := newNet(t, 1)
			a, b, e := n.Open("n1", 1), n.Open("n2", 1), n.Open("n3", 1)
			e.Pause()
			var wait sync.WaitGroup
			for i := range uint64(3) {
				for _, from := range []*network.Endpoint{a, b} {
					wait.Go(func() {
						time.Sleep(time.Duration(i) * time.Second)
						_, err := ping(from, "n3", i+1)
						require.ErrorIs(t, err, network.ErrTimeout)
					})
				}
			}
			time.Sleep(10 * time.Second)
			wait.Wait()
			steps := e.Resume()
			require.Len(t, steps, 6)
			for _, s := range steps {
				require.True(t, s.Message)
			}
			pause.Release(keyed.New(seed, "pause"), steps)
			time.Sleep(time.Second)
			for range 6 {
				rpc := <-e.Consumer()
				order += fmt.Sprint(rpc.Command.(*raft.AppendEntriesRequest).PrevLogEntry)
				rpc.Respond(nil, network.ErrClosed)
			}
			time.Sleep(time.Second)
		})
		return order
	}
	seen := make(map[string]bool)
	for seed := range uint64(50) {
		order := arrive(seed)
		require.Equal(t, order, arrive(seed))
		seen[order] = true
		// Each of two connections carries 1, 2, 3 in this order.
		count := [3]int{}
		for _, c := range order {
			count[c-'1']++
			require.True(t, count[0] >= count[1] && count[1] >= count[2], order)
		}
	}
	require.Greater(t, len(seen), 3)
}

func TestWhatWaitsForAPausedEndpointIsLostWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(t, 1)
		a, e := n.Open("n1", 1), n.Open("n2", 1)
		e.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() { _, _ = a.Forward(ctx, "n2", []byte("x")) })
		wait.Go(func() {
			_, err := ping(e, "n1", 1)
			require.ErrorIs(t, err, network.ErrClosed)
		})
		time.Sleep(500 * time.Millisecond)
		require.NoError(t, e.Close())
		wait.Wait()
		lost := 0
		for _, event := range n.events() {
			require.NotEqual(t, "n2", event.Node)
			if event.Kind == trace.MessageLost {
				require.Equal(t, "down", event.Str("why"))
				lost++
			}
		}
		require.Equal(t, 1, lost)
	})
}
