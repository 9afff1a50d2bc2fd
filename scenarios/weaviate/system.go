package weaviate

import (
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/provider"
)

// System returns the published task manager, with the providers of a profile.
func System(profile string) tasks.System {
	parts := tasks.Parts{
		NewMachine: newMachine, NewScheduler: newScheduler,
		NewClient: func(c tasks.Client) tasks.Client { return client{c} },
	}
	if profile == property.WeaviateReindex.Name {
		parts.NewProviders = func(env provider.Env) tasks.Providers { return forgetful{provider.NewSet(env), env.OnRecord} }
	}
	return tasks.With(parts)
}
