package taskplan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// rolledBack is a plan whose cluster a newer version has left with work in it.
func rolledBack() *taskplan.Plan {
	p := taskplan.Default()
	p.Inherited = &taskplan.Inherited{
		Collections: []taskplan.Collection{
			{Name: "Movies", Properties: map[string]string{"title": "word"}, Shards: []string{"s1", "s2"}, Replicas: 2},
			{Name: "Users", Properties: map[string]string{"name": "word"}, Tenants: []string{"amy", "bob"}, Replicas: 1},
		},
		Tasks: []taskplan.InheritedTask{
			{Status: "PAUSED", Task: taskplan.Task{Kind: taskplan.Reindex, ID: "r", Collection: "Movies", Property: "title", Tokenization: "field", Parallel: 1}},
			{Status: "QUEUED", Task: taskplan.Task{Kind: taskplan.Cleanup, ID: "c", Files: 2, Parallel: 1}},
		},
	}
	p.Workload = []taskplan.Operation{
		{At: plan.Duration(3 * time.Second), Node: "n1", Do: taskplan.CancelTask, Namespace: "cleanup", TaskID: "c"},
		{At: plan.Duration(4 * time.Second), Node: "n1", Do: taskplan.AddTask, Task: &taskplan.Task{Kind: taskplan.Repair, ID: "u", Collection: "Users", Parallel: 1}},
		{At: plan.Duration(5 * time.Second), Node: "n1", Do: taskplan.DeleteTenants, Target: "Users", Tenants: []string{"amy"}},
	}
	p.Promises = []taskplan.Promise{
		{Expect: taskplan.TaskStays, Namespace: "reindex", TaskID: "r"},
		{Expect: taskplan.SchemaIs, Collection: "Movies", Property: "title", Tokenization: "word"},
	}
	return &p
}

func TestWhatANewerVersionHasLeftIsThereForTheWorkload(t *testing.T) {
	p := rolledBack()
	require.NoError(t, p.Validate())
	again, err := taskplan.Decode(plan.Encode(p.Encode()))
	require.NoError(t, err)
	require.Equal(t, p, again)
	h := p.Inherited
	require.Equal(t, []taskplan.Unit{
		{ID: "s1__n1", Shard: "s1", Node: "n1"}, {ID: "s1__n2", Shard: "s1", Node: "n2"},
		{ID: "s2__n2", Shard: "s2", Node: "n2"}, {ID: "s2__n3", Shard: "s2", Node: "n3"},
	}, h.Units(&h.Tasks[0], 3))
	require.Equal(t, []taskplan.Unit{{ID: "file-0001"}, {ID: "file-0002"}}, h.Units(&h.Tasks[1], 3))
	require.Same(t, &h.Collections[1], p.CollectionAt(0, "Users"))
	require.Len(t, p.TaskUnits(1), 2)

	p.Workload[1].Do, p.Workload[1].Task = taskplan.CreateCollection, nil
	p.Workload[1].Collection = &taskplan.Collection{Name: "Users", Properties: map[string]string{"name": "field"}, Tenants: []string{"amy"}, Replicas: 1}
	require.NoError(t, p.Validate())
	require.Same(t, p.Workload[1].Collection, p.CollectionAt(2, "Users"), "created again, after a drop perhaps")

	d := taskplan.Default()
	require.Nil(t, d.CollectionAt(0, "Users"))
}

func TestAnInheritanceThatNobodyCanLeaveIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(p *taskplan.Plan)
		want string
	}{
		{"nothing at all", func(p *taskplan.Plan) { *p.Inherited = taskplan.Inherited{} }, "tasks.inherited: there is nothing in it; leave it out"},
		{"a status that is known", func(p *taskplan.Plan) { p.Inherited.Tasks[0].Status = "SWAPPING" },
			"tasks.inherited.tasks[0].status: SWAPPING is a status of this version; an inherited task has one that it does not know"},
		{"no status", func(p *taskplan.Plan) { p.Inherited.Tasks[0].Status = "" }, "tasks.inherited.tasks[0].status: missing"},
		{"a collection that is not inherited", func(p *taskplan.Plan) { p.Inherited.Collections = p.Inherited.Collections[1:] },
			`tasks.inherited.tasks[0].task.collection: no operation creates the collection "Movies" before this`},
		{"a task twice", func(p *taskplan.Plan) { p.Inherited.Tasks = append(p.Inherited.Tasks, p.Inherited.Tasks[1]) },
			`tasks.inherited.tasks[2].task.id: "c" of cleanup is there twice`},
		{"a collection twice", func(p *taskplan.Plan) { p.Inherited.Collections[1].Name = "movies" }, `tasks.inherited.collections[1].name: "movies" is there twice`},
		{"a collection with dots", func(p *taskplan.Plan) { p.Inherited.Collections[1].Name = "a.b" },
			`tasks.inherited.collections[1].name: "a.b" is no name of a collection: it begins with a letter and has no dots`},
		{"a collection without shards", func(p *taskplan.Plan) { p.Inherited.Collections[0].Shards = nil },
			"tasks.inherited.collections[0].shards: missing; a collection has shards or tenants"},
		{"a flaw", func(p *taskplan.Plan) { p.Inherited.Tasks[1].Task.Flaw = taskplan.NoID }, "tasks.inherited.tasks[1].task.flaw: an inherited task is not submitted"},
		{"a promise of one that is added", func(p *taskplan.Plan) { p.Promises[0].Namespace, p.Promises[0].TaskID = "repair", "u" },
			`tasks.promises[0].task_id: the task "u" of repair is not inherited; no other stays as it is`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rolledBack()
			c.edit(p)
			require.EqualError(t, p.Validate(), "plan: "+c.want)
			_, err := taskplan.Decode(plan.Encode(p.Encode()))
			require.ErrorContains(t, err, "plan: "+c.want)
			require.Regexp(t, `\(line \d+, column \d+\)$`, err.Error())
		})
	}
}
