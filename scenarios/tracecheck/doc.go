// Package tracecheck holds what simulated nodes did against what the cluster model
// (models/explore/tasks) allows in the same situation: trace validation.
//
// It reads events and nothing else, like scenarios/property. For every key (namespace and task) of
// every incarnation of a node it keeps the minds that the scheduler can have: what it
// remembers (reconcile.Memory), which list it has in hand, which action is under way.
// Lists, handles and outcomes in the trace move them on by the functions that the model
// and sched drive: Observe, Saw, Next, Settle. Of each action in the trace, some mind
// must have decided exactly that; the minds that have not are dropped. When none is left,
// that is a [Gap]: the code has taken a step that the model does not know, or has not
// taken one that it was bound to take.
//
// What a trace does not say is tried either way: in which order a list arrives and an
// action ends within one instant, whether a pass had begun when a command was answered,
// what the provider holds on its disk, whether a record is past its time to live on a
// clock that is wrong, and ends that nobody sees (a start or a removal of local state
// that fails, a handle that is reaped). No time passes in a decision, so whatever a node
// has decided it has begun before the next instant; that is what makes an action left
// out a gap as well.
//
// Every committed command of the task API must come from somebody the model knows: an
// operator, a scheduler that has decided just that, or a worker of a live handle; so must
// what a callback tells the schema.
//
// Exceptions, and there are no others, of what a simulated run does and the model does not:
//
//   - a call that a fault makes again, or late: it repeats one that was made;
//   - an ack that a fault turns (ack-flip), or holds back (ack-delay);
//   - a start that fails, and a removal of local state that gives up on a worker that
//     lingers: nobody sees them end;
//   - a node that is paused is bound to nothing until it goes on;
//   - a scheduler that is being closed may stop deciding, and terminates its handles.
//
// Where too many minds are possible the line is given up, and counted: no gap is then no
// proof. Disks are believed: what was durable and is lost would show as a gap.
// The verdicts of commands are for models/spec, which runs beside every check.
package tracecheck
