package tasks

import (
	"maps"
	"slices"
	"strconv"

	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/taskevent"
)

// Rest implements cluster.Resting: the records, the local state of providers, the schema
// and the shards.
func (p *process) Rest() {
	record := func(r taskevent.Rest) { p.EmitLocked(r.Event()) }
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
