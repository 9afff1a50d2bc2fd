// Package logs is a machine for package explore: every log of a few commands, behind
// some that matter, is applied by the replica that ships, beside models/spec.
//
// Clusters of package cluster, and simulated ones, propose what their schedulers,
// providers and operators come to. A log may hold anything: commands of other versions,
// without a name or with a time that no snapshot can hold, payloads that nobody can read,
// the same request twice, a snapshot between any two. Of each the verdict, what the
// proposer is told, and the whole state are known from the specification.
//
// What it checks:
//
//   - P1: a replica that was restored from the snapshot before a command comes to the
//     same verdict and the same state, byte for byte; so does one of an older version, and
//     none is restored that no replica has written;
//   - P2: verdict and records are those of the specification; the same request again
//     changes nothing and has the first outcome, and one that nobody waits for is refused;
//   - P15: a rejection is told apart in the same way by the proposer, through a status
//     that travels, and in the text that is remembered;
//   - P18: nothing that a log holds makes a replica panic.
package logs
