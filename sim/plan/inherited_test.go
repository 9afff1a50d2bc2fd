package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
)

// rolledBack is a plan whose cluster a newer version has left with work in it.
func rolledBack() *plan.Plan {
	p := plan.Default()
	p.Inherited = &plan.Inherited{
		Collections: []plan.Collection{
			{Name: "Movies", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2},
			{Name: "Users", Properties: map[string]string{"name": "word"}, Tenants: []string{"amy", "bob"}, Replicas: 1},
		},
		Tasks: []plan.InheritedTask{
			{Status: "PAUSED", Task: plan.Task{Kind: plan.Reindex, ID: "r", Collection: "Movies", Property: "title", Tokenization: "field", Parallel: 1}},
			{Status: "QUEUED", Task: plan.Task{Kind: plan.Cleanup, ID: "c", Files: 2, Parallel: 1}},
		},
	}
	p.Workload = []plan.Operation{
		{At: plan.Duration(3 * time.Second), Node: "n1", Do: plan.CancelTask, Namespace: "cleanup", TaskID: "c"},
		{At: plan.Duration(4 * time.Second), Node: "n1", Do: plan.AddTask, Task: &plan.Task{Kind: plan.Repair, ID: "u", Collection: "Users", Parallel: 1}},
		{At: plan.Duration(5 * time.Second), Node: "n1", Do: plan.DeleteTenants, Target: "Users", Tenants: []string{"amy"}},
	}
	p.Promises = []plan.Promise{
		{Expect: plan.TaskStays, Namespace: "reindex", TaskID: "r"},
		{Expect: plan.SchemaIs, Collection: "Movies", Property: "title", Tokenization: "word"},
	}
	return &p
}

func TestWhatANewerVersionHasLeftIsThereForTheWorkload(t *testing.T) {
	p := rolledBack()
	require.NoError(t, p.Validate())
	again, err := plan.Decode(plan.Encode(p))
	require.NoError(t, err)
	require.Equal(t, p, again)
	h := p.Inherited
	require.Equal(t, []plan.Unit{
		{ID: "s1__n1", Shard: "s1", Node: "n1"}, {ID: "s1__n2", Shard: "s1", Node: "n2"},
		{ID: "s2__n2", Shard: "s2", Node: "n2"}, {ID: "s2__n3", Shard: "s2", Node: "n3"},
	}, h.Units(&h.Tasks[0], 3))
	require.Equal(t, []plan.Unit{{ID: "file-0001"}, {ID: "file-0002"}}, h.Units(&h.Tasks[1], 3))
	require.Same(t, &h.Collections[1], p.CollectionAt(0, "Users"))
	require.Len(t, p.TaskUnits(1), 2)

	p.Workload[1].Do, p.Workload[1].Task = plan.CreateCollection, nil
	p.Workload[1].Collection = &plan.Collection{Name: "Users", Properties: map[string]string{"name": "field"}, Tenants: []string{"amy"}, Replicas: 1}
	require.NoError(t, p.Validate())
	require.Same(t, p.Workload[1].Collection, p.CollectionAt(2, "Users"), "created again, after a drop perhaps")

	d := plan.Default()
	require.Nil(t, d.CollectionAt(0, "Users"))
}

func TestAnInheritanceThatNobodyCanLeaveIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(p *plan.Plan)
		want string
	}{
		{"nothing at all", func(p *plan.Plan) { *p.Inherited = plan.Inherited{} }, "inherited: there is nothing in it; leave it out"},
		{"a status that is known", func(p *plan.Plan) { p.Inherited.Tasks[0].Status = "SWAPPING" },
			"inherited.tasks[0].status: SWAPPING is a status of this version; an inherited task has one that it does not know"},
		{"no status", func(p *plan.Plan) { p.Inherited.Tasks[0].Status = "" }, "inherited.tasks[0].status: missing"},
		{"a collection that is not inherited", func(p *plan.Plan) { p.Inherited.Collections = p.Inherited.Collections[1:] },
			`inherited.tasks[0].task.collection: no operation creates the collection "Movies" before this`},
		{"a task twice", func(p *plan.Plan) { p.Inherited.Tasks = append(p.Inherited.Tasks, p.Inherited.Tasks[1]) },
			`inherited.tasks[2].task.id: "c" of cleanup is there twice`},
		{"a collection twice", func(p *plan.Plan) { p.Inherited.Collections[1].Name = "movies" }, `inherited.collections[1].name: "movies" is there twice`},
		{"a collection with dots", func(p *plan.Plan) { p.Inherited.Collections[1].Name = "a.b" },
			`inherited.collections[1].name: "a.b" is no name of a collection: it begins with a letter and has no dots`},
		{"a collection without shards", func(p *plan.Plan) { p.Inherited.Collections[0].Shards = nil },
			"inherited.collections[0].shards: missing; a collection has shards or tenants"},
		{"a flaw", func(p *plan.Plan) { p.Inherited.Tasks[1].Task.Flaw = plan.NoID }, "inherited.tasks[1].task.flaw: nobody submits an inherited task"},
		{"a promise of one that is added", func(p *plan.Plan) { p.Promises[0].Namespace, p.Promises[0].TaskID = "repair", "u" },
			`promises[0].task_id: the task "u" of repair is not inherited; no other stays as it is`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rolledBack()
			c.edit(p)
			require.EqualError(t, p.Validate(), "plan: "+c.want)
			_, err := plan.Decode(plan.Encode(p))
			require.ErrorContains(t, err, "plan: "+c.want)
			require.Regexp(t, `\(line \d+, column \d+\)$`, err.Error())
		})
	}
}
