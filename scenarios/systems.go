package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"dtsim/scenarios/property"
	"dtsim/sim/campaign"
	"dtsim/sim/trace"
)

// Systems returns the task managers that can be run, [Application] first: the profile of each names
// it. The others are built from modules of their own, since they require what this one does not.
func Systems() []*campaign.Application {
	own := Application()
	all := []*campaign.Application{own}
	for _, profile := range []*property.Profile{property.Weaviate, property.WeaviateReindex} {
		published := *own
		published.Profile = profile.Name
		published.Module = "scenarios/weaviate"
		published.Guest = "dtsim/scenarios/weaviate/guest"
		published.System = append(slices.Clone(own.System), "github.com/weaviate/weaviate")
		published.NativeOnly = "libraries of the published module do not compile for WebAssembly"
		published.Review = func(*trace.Reader) error { return nil } // there is no second opinion on its contract
		all = append(all, &published)
	}
	return all
}

// SystemNamed returns the system with that profile; the empty one is [Application].
func SystemNamed(name string) (*campaign.Application, error) {
	var names []string
	for _, a := range Systems() {
		if a.Profile == name {
			return a, nil
		}
		if a.Profile != "" {
			names = append(names, a.Profile)
		}
	}
	return nil, fmt.Errorf("there is no system %q; there are %s", name, strings.Join(names, ", "))
}
