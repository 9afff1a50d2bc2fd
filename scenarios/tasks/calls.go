package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sched"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// meaning classifies the errors of clients.
type meaning struct{}

// Outcome implements cluster.Errors.
func (meaning) Outcome(err error) (outcome, verdict string) {
	switch {
	case err == nil:
		return event.OK, ""
	case errors.Is(err, replica.ErrRejected):
		return event.Rejected, refinement.Verdict(err).String()
	case errors.Is(err, replica.ErrAmbiguous):
		return event.Ambiguous, ""
	}
	return event.NoEffect, ""
}

// NotSent implements cluster.Errors.
func (meaning) NotSent(reason error) error { return withReason{reason, replica.ErrNotCommitted} }

// Unknown implements cluster.Errors.
func (meaning) Unknown(reason error) error { return withReason{reason, replica.ErrAmbiguous} }

// withReason is an error of the replica for a reason.
type withReason struct{ reason, kind error }

func (e withReason) Error() string   { return e.reason.Error() + ": " + e.kind.Error() }
func (e withReason) Unwrap() []error { return []error{e.kind, e.reason} }

// caller is the client of a process as its scheduler and its providers see it: every call
// and its outcome are in the trace.
type caller process

var (
	_ sched.TaskCompletionRecorder    = (*caller)(nil)
	_ sched.TaskLister                = (*caller)(nil)
	_ sched.TaskCleaner               = (*caller)(nil)
	_ sched.TaskFinalizer             = (*caller)(nil)
	_ sched.PostCompletionAckRecorder = (*caller)(nil)
	_ TaskFailer                      = (*caller)(nil)
)

// proposed records which request a call's command is.
func (p *process) proposed(ctx context.Context, id api.RequestID) {
	if op, ok := cluster.CallNumber(ctx); ok {
		p.EmitLocked(&event.Proposed{Op: op, Request: event.Request{Client: id.Client, Seq: id.Seq}})
	}
}

// call makes a call about a run as the faults of the plan have it; details are in the trace,
// those that do not apply empty.
func (k *caller) call(ctx context.Context, do string, run provider.Run, details taskevent.Call, send func(context.Context, Client) error) error {
	details.Namespace, details.Task, details.Version = run.Namespace, run.Task, trace.Some(run.Version)
	return k.Incarnation.Call(ctx, cluster.Call{
		Do: do, About: about(run, details.Unit), Details: trace.FieldsOf(&details), Moment: sendMoments[do], Send: through(send), Errors: meaning{},
	})
}

// sendMoments are reached when a call of that name is about to be made.
var sendMoments = map[string]plan.Moment{
	taskevent.AckPreparation: taskplan.PrepareAckSend,
	taskevent.AckSwap:        taskplan.PostAckSend,
	taskevent.FinalizeTask:   taskplan.FinalizeSend,
	taskevent.CleanUpTask:    taskplan.CleanupSend,
}

// through makes a call through the client of whatever process it is made on.
func through(send func(context.Context, Client) error) func(context.Context, *cluster.Incarnation) error {
	return func(ctx context.Context, i *cluster.Incarnation) error {
		return send(ctx, i.Process().(*process).client)
	}
}

// throughOwn makes a call through a client that is made for it.
func throughOwn(send func(context.Context, Client) error) func(context.Context, *cluster.Incarnation) error {
	return func(ctx context.Context, i *cluster.Incarnation) error {
		p := i.Process().(*process)
		of := p.clients
		of.ID = fmt.Sprintf("%s/%d", of.ID, p.own.Add(1))
		c, err := p.replica.NewClient(of)
		if err != nil {
			return err
		}
		defer c.Close()
		return send(ctx, c)
	}
}

func (k *caller) RecordDistributedTaskUnitCompletion(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string) error {
	return k.call(ctx, taskevent.CompleteUnit, runOf(namespace, taskID, version), taskevent.Call{Unit: unitID}, func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskUnitCompletion(ctx, namespace, taskID, version, nodeID, unitID)
	})
}

func (k *caller) RecordDistributedTaskUnitFailure(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID, errMsg string) error {
	return k.call(ctx, taskevent.FailUnit, runOf(namespace, taskID, version), taskevent.Call{Unit: unitID}, func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskUnitFailure(ctx, namespace, taskID, version, nodeID, unitID, errMsg)
	})
}

func (k *caller) UpdateDistributedTaskUnitProgress(ctx context.Context, namespace, taskID string, version uint64, nodeID, unitID string, progress float32) error {
	details := taskevent.Call{Unit: unitID, Progress: number(progress)}
	return k.call(ctx, taskevent.UpdateProgress, runOf(namespace, taskID, version), details, func(ctx context.Context, c Client) error {
		return c.UpdateDistributedTaskUnitProgress(ctx, namespace, taskID, version, nodeID, unitID, progress)
	})
}

// ListDistributedTasks lists in the name of a scheduler.
func (k *caller) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	return (*process)(k).list(ctx, trace.Opt[int64]{})
}

// list lists, and records what the list shows; op is the operation whose list it is.
func (p *process) list(ctx context.Context, op trace.Opt[int64]) (map[string][]*fsm.Task, error) {
	index, called := p.replica.AppliedIndex(), time.Since(p.run.cluster.Began())
	tasks, err := p.client.ListDistributedTasks(ctx)
	if err != nil {
		p.EmitLocked(&taskevent.ListFailed{Error: err.Error(), Op: op})
		return nil, err
	}
	contents := contentsOf(tasks)
	p.EmitLocked(&taskevent.Listed{
		Index: index, Count: int64(len(contents)), Called: called, Op: op, Contents: taskevent.ListContents(contents),
	})
	return tasks, nil
}

// contentsOf returns what a list shows, sorted by namespace and id.
func contentsOf(tasks map[string][]*fsm.Task) []taskevent.ListedTask {
	var contents []taskevent.ListedTask
	for namespace, of := range tasks {
		for _, t := range of {
			one := taskevent.ListedTask{
				Namespace: namespace, ID: t.ID, Version: t.Version, Status: taskevent.TaskStatus(t.Status),
				Prepared: acksOf(t.PreparationCompletionAcks), Swapped: acksOf(t.PostCompletionAcks),
				Digest: strconv.FormatUint(refinement.Digest(t), 16),
			}
			for _, u := range t.Units {
				if u.NodeID != "" {
					one.Claimed++
				}
				if u.Status.IsTerminal() {
					one.Terminal++
				}
			}
			contents = append(contents, one)
		}
	}
	slices.SortFunc(contents, func(a, b taskevent.ListedTask) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	})
	return contents
}

func acksOf(acks map[string]fsm.PostCompletionAck) map[string]bool {
	if len(acks) == 0 {
		return nil
	}
	outcomes := make(map[string]bool, len(acks))
	for node, ack := range acks {
		outcomes[node] = ack.Success
	}
	return outcomes
}

func (k *caller) CleanUpDistributedTask(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call(ctx, taskevent.CleanUpTask, runOf(namespace, taskID, version), taskevent.Call{}, func(ctx context.Context, c Client) error {
		return c.CleanUpDistributedTask(ctx, namespace, taskID, version)
	})
}

func (k *caller) MarkDistributedTaskFinalized(ctx context.Context, namespace, taskID string, version uint64) error {
	return k.call(ctx, taskevent.FinalizeTask, runOf(namespace, taskID, version), taskevent.Call{}, func(ctx context.Context, c Client) error {
		return c.MarkDistributedTaskFinalized(ctx, namespace, taskID, version)
	})
}

// MarkDistributedTaskFailed implements TaskFailer.
func (k *caller) MarkDistributedTaskFailed(ctx context.Context, namespace, taskID string, version uint64, reason string) error {
	return k.call(ctx, taskevent.FailCompletion, runOf(namespace, taskID, version), taskevent.Call{}, func(ctx context.Context, c Client) error {
		f, ok := c.(TaskFailer)
		if !ok {
			return fmt.Errorf("the client of %s cannot fail a task for a scheduler", k.Node())
		}
		return f.MarkDistributedTaskFailed(ctx, namespace, taskID, version, reason)
	})
}

func (k *caller) RecordDistributedTaskPostCompletionAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	run := runOf(namespace, taskID, version)
	success, errMsg = k.ackOutcome(taskevent.AckSwap, run, success, errMsg)
	return k.call(ctx, taskevent.AckSwap, run, taskevent.Call{Success: trace.Some(success)}, func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskPostCompletionAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

func (k *caller) RecordDistributedTaskPreparationCompleteAck(ctx context.Context, namespace, taskID string, version uint64, nodeID string, success bool, errMsg string) error {
	run := runOf(namespace, taskID, version)
	success, errMsg = k.ackOutcome(taskevent.AckPreparation, run, success, errMsg)
	return k.call(ctx, taskevent.AckPreparation, run, taskevent.Call{Success: trace.Some(success)}, func(ctx context.Context, c Client) error {
		return c.RecordDistributedTaskPreparationCompleteAck(ctx, namespace, taskID, version, nodeID, success, errMsg)
	})
}

// ackOutcome returns the outcome that an ack carries: a node that has restarted may come to
// another one than it had before.
func (k *caller) ackOutcome(do string, run provider.Run, success bool, message string) (bool, string) {
	if k.Number() < 2 || !success {
		return success, message
	}
	d := cluster.Decision{Op: do, About: about(run, "")}
	if _, ok := k.Activated(taskplan.AckFlip, d, trace.FieldsOf(&taskevent.Call{Namespace: run.Namespace, Task: run.Task, Version: trace.Some(run.Version)})...); ok {
		return false, taskevent.FlippedAck
	}
	return success, message
}

func runOf(namespace, taskID string, version uint64) provider.Run {
	return provider.Run{Namespace: namespace, Task: taskID, Version: version}
}

// schema is what the providers of a process need of the schema.
type schema process

// Collections implements provider.Schema.
func (s *schema) Collections() []provider.Collection { return s.replica.Collections() }

// Index implements provider.Schema.
func (s *schema) Index() uint64 { return s.replica.AppliedIndex() }

// Flip implements provider.Schema.
func (s *schema) Flip(ctx context.Context, collection, property, tokenization string, run provider.Run, shards []string) error {
	return (*caller)(s).call(ctx, taskevent.FlipProperty, run, taskevent.Call{Collection: collection, Property: property, Tokenization: tokenization}, func(ctx context.Context, c Client) error {
		return c.FlipProperty(ctx, collection, property, tokenization, run.Namespace, fsm.TaskDescriptor{ID: run.Task, Version: run.Version}, shards)
	})
}

// SwapTenants implements provider.Schema.
func (s *schema) SwapTenants(ctx context.Context, collection, property, tokenization string, run provider.Run, tenants []string) error {
	details := taskevent.Call{Collection: collection, Property: property, Tokenization: tokenization, Tenants: strings.Join(tenants, ",")}
	return (*caller)(s).call(ctx, taskevent.SwapTenants, run, details, func(ctx context.Context, c Client) error {
		return c.SwapTenants(ctx, collection, property, tokenization, run.Namespace,
			fsm.TaskDescriptor{ID: run.Task, Version: run.Version}, tenants)
	})
}
