package cluster

import (
	"slices"
	"time"

	"dtsim/sim/network"
	"dtsim/sim/plan"
)

// effects are what faults of links do to messages.
var effects = map[plan.FaultKind]network.Effect{
	plan.Delay: network.Delay, plan.Loss: network.Lose, plan.Duplicate: network.Duplicate,
	plan.Reorder: network.Hold, plan.ReplyLoss: network.Lose, plan.LateDuplicate: network.Duplicate,
}

// disturb puts a rule about messages in force.
func (c *Cluster) disturb(f *fault) func() {
	r := c.rule(f, effects[f.Kind])
	r.From = f.nodes
	if f.peer != "" {
		r.To = []string{f.peer}
	}
	if f.Op != "" {
		r.Messages = []string{f.Op}
	}
	switch f.Kind {
	case plan.ReplyLoss:
		r.Messages = replies
		if f.Op != "" {
			r.Messages = []string{f.Op + "-reply"}
		}
	case plan.LateDuplicate:
		r.Messages = []string{"forward"}
	}
	return c.network.AddRule(r)
}

// replies are the names of all answers.
var replies = []string{"append-reply", "heartbeat-reply", "vote-reply", "pre-vote-reply", "snapshot-reply", "timeout-now-reply", "forward-reply"}

func (c *Cluster) rule(f *fault, e network.Effect) network.Rule {
	return network.Rule{
		Fault: f.event(), Draw: f.draw, Effect: e,
		Rate: f.Rate, Count: f.Count, Min: f.Min.D(), Max: f.Max.D(),
	}
}

// cut cuts the links from one side to the other, and back unless the fault is OneWay.
func (c *Cluster) cut(f *fault) func() {
	others := c.others(f.nodes)
	if f.peer != "" {
		others = []string{f.peer}
	}
	if len(others) == 0 {
		return func() {}
	}
	there, back := c.rule(f, network.Cut), c.rule(f, network.Cut)
	there.From, there.To = f.nodes, others
	back.From, back.To = others, f.nodes
	heal := c.network.AddRule(there)
	if f.Kind == plan.OneWay {
		return heal
	}
	healBack := c.network.AddRule(back)
	return func() {
		heal()
		healBack()
	}
}

// others are the nodes that are not among those named.
func (c *Cluster) others(names []string) []string {
	return slices.DeleteFunc(c.plan.Cluster.NodeNames(), func(n string) bool { return slices.Contains(names, n) })
}

// flap cuts and heals by turns, until it ends.
func (c *Cluster) flap(f *fault) func() {
	heal := func() {}
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for turn := uint64(0); ; turn++ {
			if turn%2 == 0 {
				heal = c.cut(f)
			} else {
				heal()
			}
			wait := time.NewTimer(max(f.draw.Str("turn").Int(turn).Duration(f.Min.D(), f.Max.D()), time.Millisecond))
			select {
			case <-wait.C:
			case <-over:
				wait.Stop()
				heal()
				return
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}
