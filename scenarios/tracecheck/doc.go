// Package tracecheck checks that every step of simulated nodes is one that the cluster
// model (models/explore/tasks) allows in the same situation: trace validation.
//
// It reads events and nothing else, like scenarios/property. For every key (namespace and
// task) of every incarnation of a node it follows a track: the set of hypotheses on the
// state that the scheduler is in. A hypothesis is a reconcile.Runner, the value that the
// scheduler and the model decide by, with what is on its way to it. Lists, handles and
// outcomes in the trace move it on by the Runner's own methods. Each action in the trace
// must have been decided under at least one hypothesis; the hypotheses under which it was
// not are dropped. When none is left, that is a [Divergence]: the code has taken a step
// that the model does not know, or has not taken one that it was bound to take.
//
// What a trace does not determine is tried either way: in which order a list arrives and
// an action ends within one instant, whether a pass had begun when a command was answered,
// what the provider holds on its disk, whether a record is past its time to live on a
// clock that was set, and ends without an event (a start or a removal of local state that
// fails, a handle that is reaped). No time passes in a decision, so whatever a node
// has decided it has begun before the next instant; that is what makes an action left
// out a divergence as well.
//
// Every committed command of the task API must come from a part of the model: an
// operator, a scheduler that has decided just that, or a worker of a live handle; so must
// what a callback writes to the schema.
//
// Exceptions, and there are no others, of what a simulated run does and the model does not:
//
//   - a call that a fault makes again, or late: it repeats one that was made;
//   - an ack whose outcome a fault turns (ack-flip), or that it holds back (ack-delay);
//   - a start that fails, and a removal of local state that gives up on a worker that
//     lingers: their ends are not in the trace;
//   - a node that is paused is bound to nothing until it goes on;
//   - a scheduler that is being closed may stop deciding, and terminates its handles.
//
// Where too many hypotheses are possible the track is given up, and counted: then the
// absence of divergences is no proof. Disks are believed: what was durable and is lost
// would show as a divergence. The verdicts of commands are for models/spec, which runs
// beside every check.
package tracecheck
