// Package weaviate runs the task manager that Weaviate publishes in the clusters of the simulator:
// the Manager and the Scheduler of github.com/weaviate/weaviate/cluster/distributedtask, unchanged,
// with all else as [tasks.Default] has it: the Raft node and its client, the schema, the providers.
//
// It is a module of its own, because the published one requires what this repository does not, and
// it uses what is exported alone. It compiles with v1.38.0-rc.0, which go.mod requires, and with
// v1.39.0:
//
//	go run ./cmd/dtsim run --system weaviate
//	go run ./cmd/dtsim run --system weaviate --with github.com/weaviate/weaviate@v1.39.0
//
// What stands between the two sides translates and decides nothing, but for what the published
// server does around its task manager, and a simulated one has to do as well:
//
//   - the Scheduler calls with a context that never ends; here such a call ends with the incarnation
//     of its node, or after a time, as the endpoints of the server do (scheduler.go);
//   - the Scheduler may be started once, and must be given an interval (scheduler.go);
//   - an operator who gives a task up cancels it, which is what the documentation tells him to do;
//     the command by which a Scheduler fails a task, since v1.39.0, is another one (client.go);
//   - a flip of the schema by a migration passes the guards (machine.go).
//
// By which rules it is judged is in package property: [property.Weaviate].
package weaviate
