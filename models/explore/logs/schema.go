package logs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/explore"
	"dtsim/models/spec"
)

// created is a collection in the specification of the schema.
type created struct {
	name       string
	multi      bool
	properties map[string]string
	// tenants are their status by name.
	tenants map[string]string
}

func (c created) clone() *created {
	c.properties, c.tenants = maps.Clone(c.properties), maps.Clone(c.tenants)
	return &c
}

var (
	fine   = spec.Verdict{Class: spec.OK}
	notNow = spec.Verdict{Class: spec.Retryable}
	never  = spec.Verdict{Class: spec.Permanent, Reason: spec.InvalidCommand}
)

// bad is a schema command that is refused for ever.
func bad(kind api.CommandType, class, body string) command {
	return command{kind, class, body, func(*pair) spec.Verdict { return never }}
}

func create(class, body string, as created) command {
	return command{replica.CommandCreateCollection, class, body, func(p *pair) spec.Verdict {
		key := strings.ToLower(class)
		if p.schema[key] != nil {
			return notNow
		}
		p.schema[key] = as.clone()
		return fine
	}}
}

// change is a command about a collection that has to be there.
func change(kind api.CommandType, class, body string, f func(*pair, *created) spec.Verdict) command {
	return command{kind, class, body, func(p *pair) spec.Verdict {
		c := p.schema[strings.ToLower(class)]
		if c == nil {
			return notNow
		}
		return f(p, c)
	}}
}

// guardedBy makes a change that no active task forbids.
func guardedBy(err error, change func()) spec.Verdict {
	if err != nil {
		return notNow
	}
	change()
	return fine
}

// schemaCommands are the commands of the schema that may come.
func schemaCommands() []command {
	var all []command
	for kind := replica.CommandCreateCollection; kind <= replica.CommandDeleteTenants+1; kind++ {
		if kind == replica.CommandDropCollection {
			continue // it has no body, and does not look for one
		}
		for _, body := range []string{"{", "[]", `{"unknown":1}`, `{} {}`} {
			all = append(all, bad(kind, "Books", body))
		}
	}
	const shard = `{"shards":[{"name":"s","nodes":["n1"]}]}`
	for _, name := range []string{"", "1a", "_a", "-a", "a b", "a\u00e9", strings.Repeat("a", 257)} {
		all = append(all, bad(replica.CommandCreateCollection, name, shard))
	}
	for _, body := range []string{
		`{}`, `{"shards":[{"name":"","nodes":["n1"]}]}`, `{"shards":[{"name":"s","nodes":[]}]}`, `{"shards":[{"name":"s","nodes":[""]}]}`,
		`{"shards":[{"name":"s","nodes":["n1","n1"]}]}`, `{"shards":[{"name":"s","nodes":["n1"]},{"name":"s","nodes":["n1"]}]}`,
		`{"unknown":1,"shards":[{"name":"s","nodes":["n1"]}]}`, `{"shards":[{"name":"s","nodes":["n1"]}],"multi_tenant":1}`,
		`{"properties":{"":"word"},"shards":[{"name":"s","nodes":["n1"]}]}`, `{"properties":{"p":""},"shards":[{"name":"s","nodes":["n1"]}]}`,
	} {
		all = append(all, bad(replica.CommandCreateCollection, "Papers", body))
	}
	for _, name := range []string{"Papers", "a-B_9z", "Z" + strings.Repeat("0", 255)} {
		all = append(all, create(name, shard, created{name: name}))
	}
	all = append(all,
		create("BOOKS", `{"multi_tenant":true}`, created{name: "BOOKS", multi: true}),
		change(replica.CommandDropCollection, "books", `{}`, func(p *pair, c *created) spec.Verdict {
			return guardedBy(p.machine.CheckClassMutation(c.name), func() {
				delete(p.schema, strings.ToLower(c.name))
				p.machine, _ = p.machine.DeleteTasksForCollection(c.name)
			})
		}),
		bad(replica.CommandUpdateProperty, "Books", `{"property":"p"}`), bad(replica.CommandUpdateProperty, "Books", `{"tokenization":"field"}`),
		bad(replica.CommandUpdateTenants, "Books", `{"tenants":["a"],"status":"COLD"}`),
		bad(replica.CommandAddTenants, "Books", `{}`), bad(replica.CommandDeleteTenants, "Books", `{}`), bad(replica.CommandUpdateTenants, "Books", `{"status":"HOT"}`),
	)
	for _, class := range []string{"Books", "Papers"} {
		for _, property := range []string{"p", "q"} {
			all = append(all, change(replica.CommandUpdateProperty, class, fmt.Sprintf(`{"property":%q,"tokenization":"field"}`, property), func(p *pair, c *created) spec.Verdict {
				if _, ok := c.properties[property]; !ok {
					return notNow
				}
				return guardedBy(p.machine.CheckPropertyUpdate(c.name, property), func() { c.properties[property] = "field" })
			}))
		}
		all = append(all,
			change(replica.CommandAddTenants, class, `{"tenants":[{"name":"c","nodes":["n3"]},{"name":"d","nodes":["n1"]}]}`, func(_ *pair, c *created) spec.Verdict {
				if !c.multi || c.tenants["c"] != "" {
					return notNow
				}
				if c.tenants == nil {
					c.tenants = map[string]string{}
				}
				c.tenants["c"], c.tenants["d"] = "HOT", "HOT"
				return fine
			}),
			change(replica.CommandAddTenants, class, `{"tenants":[{"name":"e","nodes":["n3"]},{"name":"a","nodes":["n1"]},{"name":"","nodes":["n1"]}]}`, func(*pair, *created) spec.Verdict {
				return notNow
			}),
			change(replica.CommandDeleteTenants, class, `{"tenants":["b","x"]}`, func(p *pair, c *created) spec.Verdict {
				if !c.multi {
					return notNow
				}
				return guardedBy(p.machine.CheckTenantMutation(c.name, []string{"b", "x"}), func() { delete(c.tenants, "b") })
			}),
		)
		for _, status := range []string{"HOT", "FROZEN"} {
			for _, tenant := range []string{"a", "x"} {
				all = append(all, change(replica.CommandUpdateTenants, class, fmt.Sprintf(`{"tenants":[%q],"status":%q}`, tenant, status), func(p *pair, c *created) spec.Verdict {
					if !c.multi || c.tenants[tenant] == "" {
						return notNow
					}
					var refused error
					if status != "HOT" {
						refused = p.machine.CheckTenantMutation(c.name, []string{tenant})
					}
					return guardedBy(refused, func() { c.tenants[tenant] = status })
				}))
			}
		}
	}
	return append(all, flips()...)
}

// flips are changes of a property as the effect of a task: accepted when the task can
// only finish (P8).
func flips() []command {
	flip := func(class, namespace string, version uint64) command {
		body := fmt.Sprintf(`{"property":"p","tokenization":"flipped","migration":{"namespace":%q,"id":"t","version":%d}}`, namespace, version)
		return change(replica.CommandUpdateProperty, class, body, func(p *pair, c *created) spec.Verdict {
			if _, ok := c.properties["p"]; !ok {
				return notNow
			}
			if p.flipped >= version {
				return fine // it has had its effect, or was overtaken
			}
			t := p.machine.Task(namespace, "t")
			if t == nil || t.Version != version {
				return spec.Verdict{Class: spec.Permanent, Reason: spec.TaskNotExist}
			}
			switch {
			case t.Status == spec.Finished, t.Status == spec.Swapping && allSwapped(t):
				c.properties["p"], p.flipped = "flipped", version
				return fine
			case t.Status.Terminal():
				return spec.Verdict{Class: spec.Permanent, Reason: spec.TaskNotFinalizing}
			}
			return notNow
		})
	}
	return []command{flip("Books", guarded, 2), flip("Books", guarded, 1), flip("Papers", guarded, 2)}
}

func allSwapped(t *spec.Task) bool {
	for _, u := range t.Units.All() {
		if a, _ := t.Swapped.Get(u.Node); u.Node != "" && !a.Success {
			return false
		}
	}
	return true
}

// collections compares the schema.
func (p *pair) collections(c command) *explore.Broken {
	got := map[string]string{}
	for _, c := range p.replica.Schema().Collections {
		got[strings.ToLower(c.Name)] = summary(c.Name, c.MultiTenant, tokenizations(c), statuses(c))
	}
	want := map[string]string{}
	for key, c := range p.schema {
		want[key] = summary(c.name, c.multi, c.properties, c.tenants)
	}
	if !maps.Equal(got, want) {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("after %s the schema is %v, and should be %v", c, got, want)}
	}
	return nil
}

func summary(name string, multi bool, properties, tenants map[string]string) string {
	text := fmt.Sprintf("%s %t", name, multi)
	for _, m := range []map[string]string{properties, tenants} {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			text += fmt.Sprintf(" %s=%s", k, m[k])
		}
	}
	return text
}

func tokenizations(c *replica.Collection) map[string]string {
	m := map[string]string{}
	for name, p := range c.Properties {
		m[name] = p.Tokenization
	}
	return m
}

// statuses are those of the tenants; other shards never change.
func statuses(c *replica.Collection) map[string]string {
	m := map[string]string{}
	for name, s := range c.Shards {
		if c.MultiTenant {
			m[name] = string(s.Status)
		}
	}
	return m
}

// unbound reports whether a task is bound to a collection that does not exist (yet).
func (p *pair) unbound(c command) bool {
	namespace, payload, err := addressed(c)
	if err != nil {
		return false
	}
	collection, ok := p.machine.Collection(namespace, payload)
	return ok && collection != "" && p.schema[strings.ToLower(collection)] == nil
}
