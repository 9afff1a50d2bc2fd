package tasks

import (
	"maps"
	"slices"
	"strconv"

	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched"
)

// Rest implements cluster.Resting: the records, the local state of providers, the schema
// and the shards, and what else is kept in memory.
func (p *process) Rest() {
	record := func(r taskevent.Rest) { p.EmitLocked(r.Event()) }
	defer p.kept(record)
	tasks := p.replica.Tasks()
	for _, namespace := range slices.Sorted(maps.Keys(tasks)) {
		for _, t := range tasks[namespace] {
			record(taskevent.Rest{
				What: taskevent.RestRecord, Run: runOf(namespace, t.ID, t.Version), Status: taskevent.TaskStatus(t.Status),
				Digest: strconv.FormatUint(refinement.Digest(t), 16),
			})
		}
	}
	providers := p.providers.Providers()
	for _, namespace := range slices.Sorted(maps.Keys(providers)) {
		for _, desc := range providers[namespace].GetLocalTasks() {
			record(taskevent.Rest{What: taskevent.RestLocal, Run: runOf(namespace, desc.ID, desc.Version)})
		}
	}
	for _, c := range p.replica.Collections() {
		for _, property := range slices.Sorted(maps.Keys(c.Properties)) {
			record(taskevent.Rest{
				What: taskevent.RestSchema, Collection: c.Name, Property: property, Tokenization: c.Properties[property].Tokenization,
			})
			for _, tenant := range slices.Sorted(maps.Keys(c.Properties[property].SwappedBy)) {
				r := taskevent.Rest{What: taskevent.RestAlone, Collection: c.Name, Shard: tenant, Property: property}
				r.Version = c.Properties[property].SwappedBy[tenant]
				record(r)
			}
		}
	}
	for _, s := range p.shards.All() {
		for _, property := range slices.Sorted(maps.Keys(s.Active)) {
			record(taskevent.Rest{
				What: taskevent.RestShard, Collection: s.Collection, Shard: s.Shard, Property: property, Tokenization: s.Active[property].Tokenization,
			})
		}
	}
}

// kept records what the replica and the scheduler keep in memory, as far as they tell.
func (p *process) kept(record func(taskevent.Rest)) {
	if r, ok := p.replica.(Keeper); ok {
		record(taskevent.Rest{What: taskevent.RestWaiting, Count: int64(r.Waiting())})
		sessions := r.Sessions()
		for _, client := range slices.Sorted(maps.Keys(sessions)) {
			record(taskevent.Rest{What: taskevent.RestSession, Client: client, Count: int64(sessions[client])})
		}
	}
	s, ok := p.scheduler.Load().Scheduler.(interface{ Kept() sched.Kept })
	if !ok {
		return
	}
	kept := s.Kept()
	for _, t := range kept.Tasks {
		record(taskevent.Rest{What: taskevent.RestTask, Run: runOf(t.Namespace, t.ID, 0)})
	}
	for _, u := range kept.Units {
		record(taskevent.Rest{What: taskevent.RestUnit, Run: runOf(u.Namespace, u.ID, u.Version), Unit: u.Unit})
	}
}
