// Package logs is a machine for package explore: every log of a few commands, behind
// some that matter, is applied by fsm/replica and compared with models/spec.
//
// Clusters of package explore/tasks, and simulated ones, propose what their schedulers,
// providers and operators decide. A log may hold anything: commands of other versions,
// without a name or with a time that no snapshot can hold, unreadable payloads,
// of other names, the same request twice, a snapshot between any two. Of each the verdict, what the
// proposer receives, and the whole state are known from the specification.
//
// One command and two are taken in every order, three once for every state that two lead to;
// see [Model].
//
// What it checks:
//
//   - P1: a replica that was restored from the snapshot before a command comes to the
//     same verdict and the same state, byte for byte; so does one of an older version, and
//     none is restored that no replica has written;
//   - P2: verdict and records are those of the specification; the same request again
//     changes nothing and has the first outcome, also behind others and behind a snapshot, and
//     one that its client no longer waits for is refused;
//   - P15: a rejection has the same class and reason at the proposer, behind a gRPC status,
//     and in the remembered text;
//   - P18: nothing that a log holds makes a replica panic.
package logs
