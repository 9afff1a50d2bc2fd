package fsm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// detector answers with its function and remembers what it was asked.
type detector struct {
	Provider
	answer func(payload []byte, tasks []*Task) error
	asked  []string
}

func (d *detector) CheckConflict(payload []byte, tasks []*Task) error {
	d.asked = append(d.asked, fmt.Sprintf("conflict %s with%s", payload, names(tasks)))
	return d.answer(payload, tasks)
}

func (d *detector) CheckPropertyUpdate(class, property string, tasks []*Task) error {
	d.asked = append(d.asked, fmt.Sprintf("property %s.%s with%s", class, property, names(tasks)))
	return d.answer(nil, tasks)
}

func (d *detector) CheckClassMutation(class string, tasks []*Task) error {
	d.asked = append(d.asked, fmt.Sprintf("class %s with%s", class, names(tasks)))
	return d.answer(nil, tasks)
}

func (d *detector) CheckTenantMutation(class string, tenants []string, tasks []*Task) error {
	d.asked = append(d.asked, fmt.Sprintf("tenants %s of %s with%s", strings.Join(tenants, " "), class, names(tasks)))
	tenants[0] = "scribbled over"
	return d.answer(nil, tasks)
}

func names(tasks []*Task) (s string) {
	for _, task := range tasks {
		s += fmt.Sprintf(" %s@%d:%s", task.ID, task.Version, task.Status)
	}
	return s
}

func accepts([]byte, []*Task) error { return nil }

var errRefused = errors.New("refused")

func refuses([]byte, []*Task) error { return errRefused }

func panics([]byte, []*Task) error { panic("detector bug") }

// scribbles changes everything that it was handed.
func scribbles(_ []byte, tasks []*Task) error {
	for _, task := range tasks {
		task.Status = "SCRIBBLED"
		for _, u := range task.Units {
			u.NodeID = "scribbled"
		}
	}
	return nil
}

func addNamed(id string) *api.AddDistributedTaskRequest {
	q := addRequest("u1")
	q.Id, q.Payload = id, []byte("P-"+id)
	return q
}

// reader is a detector that checks payloads.
type reader struct {
	*detector
	read func(payload []byte) error
}

func (r reader) CheckPayload(payload []byte) error { return r.read(payload) }

func TestAPayloadThatNobodyCanReadIsRefusedForEver(t *testing.T) {
	for name, read := range map[string]func([]byte) error{
		"it is refused": func([]byte) error { return errRefused },
		"it panics":     func([]byte) error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			d := &detector{answer: refuses}
			r := at(t, []any{addNamed("a")})
			r.SetConflictDetectors(map[string]ConflictDetector{"ns": reader{d, read}})
			for _, id := range []string{"a", "b"} { // active or not makes no difference
				err := r.do(addNamed(id))
				require.ErrorIs(t, err, ErrInvalidCommand)
				require.ErrorIs(t, err, ErrPermanentRejection)
				require.ErrorContains(t, err, "payload of task ns/"+id)
			}
			require.Empty(t, d.asked, "the guard is not asked for conflicts")
		})
	}
	r := at(t, []any{})
	r.SetConflictDetectors(map[string]ConflictDetector{"ns": reader{&detector{answer: accepts}, func(payload []byte) error {
		require.Equal(t, "P-a", string(payload))
		return nil
	}}})
	require.NoError(t, r.do(addNamed("a")))
}

func TestConflictDetectors(t *testing.T) {
	with := func(t *testing.T, d *detector) *rig {
		r := at(t, []any{addNamed("c"), addNamed("a"), addNamed("b")})
		r.SetConflictDetectors(map[string]ConflictDetector{"ns": d, "silent": nil})
		return r
	}
	t.Run("sees all records of the namespace by ID, ended ones too", func(t *testing.T) {
		d := &detector{answer: accepts}
		r := with(t, d)
		r.must(&api.CancelDistributedTaskRequest{Namespace: "ns", Id: "a", Version: 2})
		r.must(addNamed("d"))
		require.Equal(t, []string{"conflict P-d with a@2:CANCELLED b@3:STARTED c@1:STARTED"}, d.asked)
	})
	t.Run("a refusal may be got past later, and keeps its error", func(t *testing.T) {
		err := with(t, &detector{answer: refuses}).do(addNamed("d"))
		rejection{text: "task ns/d conflicts with an existing task: refused", retryable: true}.check(t, err)
		require.ErrorIs(t, err, errRefused)
	})
	t.Run("a panic is a refusal", func(t *testing.T) {
		rejection{text: "detector of namespace ns panicked: detector bug", retryable: true}.check(t, with(t, &detector{answer: panics}).do(addNamed("d")))
	})
	t.Run("gets copies", func(t *testing.T) {
		r := with(t, &detector{answer: scribbles})
		r.must(addNamed("d"))
		require.NotContains(t, strings.ToLower(r.snapshot()), "scribbled")
	})
	t.Run("is not asked about another namespace, nor when the ID is running", func(t *testing.T) {
		d := &detector{answer: refuses}
		r := with(t, d)
		for _, namespace := range []string{"other", "silent"} {
			q := addNamed("d")
			q.Namespace = namespace
			r.must(q)
		}
		require.ErrorContains(t, r.do(addNamed("a")), "already running")
		require.Empty(t, d.asked)
	})
	t.Run("later changes of the caller's map do not count, a nil map removes all", func(t *testing.T) {
		r := newRig(t)
		detectors := map[string]ConflictDetector{}
		r.SetConflictDetectors(detectors)
		detectors["ns"] = &detector{answer: refuses}
		r.must(addNamed("a"))
		r.SetConflictDetectors(detectors)
		require.ErrorIs(t, r.do(addNamed("b")), errRefused)
		r.SetConflictDetectors(nil)
		r.must(addNamed("b"))
	})
}

func TestSchemaMutationDetectors(t *testing.T) {
	checks := map[string]func(m *Manager) error{
		"property C.p":   func(m *Manager) error { return m.CheckPropertyUpdate("C", "p") },
		"class C":        func(m *Manager) error { return m.CheckClassMutation("C") },
		"tenants x of C": func(m *Manager) error { return m.CheckTenantMutation("C", []string{"x"}) },
	}
	for question, check := range checks {
		t.Run(question, func(t *testing.T) {
			r := at(t, []any{addNamed("b"), addNamed("a")})
			require.NoError(t, check(r.Manager), "without detectors everything goes")

			first, second := &detector{answer: accepts}, &detector{answer: accepts}
			r.SetSchemaMutationDetectors(map[string]SchemaMutationDetector{"ns": first, "zz": second, "nil": nil})
			require.NoError(t, check(r.Manager))
			require.Equal(t, []string{question + " with a@2:STARTED b@1:STARTED"}, first.asked)
			require.Equal(t, []string{question + " with"}, second.asked)

			first.answer = refuses
			require.Equal(t, errRefused, check(r.Manager), "the refusal is returned as it is")
			require.Len(t, second.asked, 1, "the first refusal decides")

			first.answer = panics
			require.EqualError(t, check(r.Manager), "detector of namespace ns panicked: detector bug")

			first.answer = scribbles
			require.NoError(t, check(r.Manager))
			require.NotContains(t, strings.ToLower(r.snapshot()), "scribbled")

			r.SetSchemaMutationDetectors(nil)
			require.NoError(t, check(r.Manager))
		})
	}
	t.Run("the caller's tenants are safe from a detector", func(t *testing.T) {
		m := NewManager(ManagerParameters{})
		m.SetSchemaMutationDetectors(map[string]SchemaMutationDetector{"ns": &detector{answer: accepts}})
		tenants := []string{"x"}
		require.NoError(t, m.CheckTenantMutation("C", tenants))
		require.Equal(t, []string{"x"}, tenants)
	})
}

func TestCheckOwnPropertyUpdate(t *testing.T) {
	notYet := rejection{sentinel: ErrTaskNotInFinalizingState, text: "cannot change the schema from status", retryable: true}
	never := rejection{sentinel: ErrTaskNotInFinalizingState, text: "cannot change the schema from status"}
	for name, tc := range map[string]struct {
		history []any
		want    rejection
	}{
		"a task whose owners have all swapped may flip": {barrierCommitted, rejection{}},
		"a finished task may flip":                      {finished, rejection{}},
		"a task that swaps may not yet":                 {halfAcked, notYet},
		"a task that prepares may not yet":              {preparing, notYet},
		"a task that works may not yet":                 {started, notYet},
		"a failed task never may":                       {failed, never},
		"a cancelled task never may":                    {cancelled, never},
		"a task that is gone never may":                 {nil, rejection{sentinel: ErrTaskDoesNotExist, text: "task ns/a/1 does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := at(t, tc.history)
			own, other := &detector{answer: refuses}, &detector{answer: accepts}
			r.SetSchemaMutationDetectors(map[string]SchemaMutationDetector{"ns": own, "other": other})
			err := r.CheckOwnPropertyUpdate("ns", "a", 1, "C", "p")
			tc.want.check(t, err)
			require.Empty(t, own.asked, "the task's own detector is not asked")
			require.Equal(t, err == nil, len(other.asked) == 1, "the others are")
		})
	}
	t.Run("another namespace may refuse", func(t *testing.T) {
		r := at(t, finished)
		r.SetSchemaMutationDetectors(map[string]SchemaMutationDetector{"other": &detector{answer: refuses}})
		require.Equal(t, errRefused, r.CheckOwnPropertyUpdate("ns", "a", 1, "C", "p"))
	})
}

func TestDeleteTasksForCollection(t *testing.T) {
	collection := func(payload []byte) (string, bool) {
		switch s := string(payload); s {
		case "none":
			return "Books", false
		case "panic":
			panic("extractor bug")
		default:
			return s, true
		}
	}
	add := func(r *rig, namespace, id, payload string) {
		q := addRequest("u1")
		q.Namespace, q.Id, q.Payload = namespace, id, []byte(payload)
		r.must(q)
	}
	setUp := func(t *testing.T) *rig {
		r := newRig(t)
		for _, namespace := range []string{"bound", "also", "free"} {
			add(r, namespace, "z", "Books")
			add(r, namespace, "m", "BOOKS")
			add(r, namespace, "b", "Films")
			add(r, namespace, "n", "none")
			add(r, namespace, "p", "panic")
			add(r, namespace, "e", "")
		}
		r.RegisterCollectionExtractor("bound", collection)
		r.RegisterCollectionExtractor("also", collection)
		return r
	}
	t.Run("removes what is bound to it, in any case and status, and reports it in order", func(t *testing.T) {
		r := setUp(t)
		wakes := r.wakes
		r.must(&api.CancelDistributedTaskRequest{Namespace: "bound", Id: "z", Version: 1})
		wakes++
		require.Equal(t, []TaskDescriptor{{"m", 2}, {"m", 8}, {"z", 1}, {"z", 7}}, r.DeleteTasksForCollection("books"))
		require.Equal(t, wakes, r.wakes, "no namespace is woken")
		list := r.list()
		require.Len(t, list["bound"], 4)
		require.Len(t, list["also"], 4)
		require.Len(t, list["free"], 6, "a namespace without extractor is left alone")
		require.Nil(t, r.DeleteTasksForCollection("books"), "nothing is left")
		requireTallies(t, r.Manager)
	})
	t.Run("no collection removes nothing", func(t *testing.T) {
		r := setUp(t)
		before := r.snapshot()
		require.Nil(t, r.DeleteTasksForCollection(""))
		require.Equal(t, before, r.snapshot())
	})
	t.Run("the last task takes its namespace with it", func(t *testing.T) {
		r := newRig(t)
		r.RegisterCollectionExtractor("bound", collection)
		add(r, "bound", "a", "Books")
		require.Len(t, r.DeleteTasksForCollection("Books"), 1)
		require.Equal(t, "{}", r.snapshot())
	})
	t.Run("an extractor needs a namespace, and the last one wins", func(t *testing.T) {
		r := newRig(t)
		add(r, "bound", "a", "Books")
		r.RegisterCollectionExtractor("", collection)
		r.RegisterCollectionExtractor("bound", func([]byte) (string, bool) { return "Films", true })
		r.RegisterCollectionExtractor("bound", collection)
		r.RegisterCollectionExtractor("bound", nil)
		require.Nil(t, r.DeleteTasksForCollection("Films"))
		require.Len(t, r.DeleteTasksForCollection("Books"), 1)
	})
	t.Run("an extractor that panics is logged", func(t *testing.T) {
		logger, logs := test.NewNullLogger()
		r := newRig(t)
		r.logger = logger
		r.RegisterCollectionExtractor("ns", func([]byte) (string, bool) { panic("bug") })
		r.must(addNamed("a"))
		require.Nil(t, r.DeleteTasksForCollection("Books"))
		require.Equal(t, "collection extractor panicked", logs.LastEntry().Message)
	})
}

// broken is a notifier with a bug.
type broken struct{}

func (broken) Wake() { panic("notifier bug") }

func TestNotifier(t *testing.T) {
	t.Run("a panic in it does not undo the apply", func(t *testing.T) {
		logger, logs := test.NewNullLogger()
		m := NewManager(ManagerParameters{Logger: logger})
		m.SetSchedulerNotifier(broken{})
		c, err := api.NewApplyRequest(api.CommandAddTask, addRequest("u1"))
		require.NoError(t, err)
		require.NoError(t, m.Apply(c, 1))
		require.Equal(t, "scheduler notifier panicked", logs.LastEntry().Message)
		_, err = m.Task("ns", "a", 1)
		require.NoError(t, err)
	})
	t.Run("nil wakes nothing", func(t *testing.T) {
		r := newRig(t)
		r.SetSchedulerNotifier(nil)
		r.must(addRequest("u1"))
		require.Zero(t, r.wakes)
	})
	t.Run("it may apply the next command", func(t *testing.T) {
		m := NewManager(ManagerParameters{})
		add, err := api.NewApplyRequest(api.CommandAddTask, addRequest("u1"))
		require.NoError(t, err)
		cancel, err := api.NewApplyRequest(api.CommandCancelTask, cancellation())
		require.NoError(t, err)
		m.SetSchedulerNotifier(wakeFunc(func() {
			m.SetSchedulerNotifier(nil)
			require.NoError(t, m.CancelTask(cancel))
		}))
		require.NoError(t, m.AddTask(add, 1))
		tasks, err := m.ListDistributedTasks(context.Background())
		require.NoError(t, err)
		require.Equal(t, TaskStatusCancelled, tasks["ns"][0].Status)
	})
}

type wakeFunc func()

func (f wakeFunc) Wake() { f() }
