package tasks

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/models/explore"
	"dtsim/sched/reconcile"
)

// watched is the model, and remembers something of each state that a step leads to.
type watched struct {
	*Model
	seen *sync.Map
	of   func(*State) uint64
}

func (w watched) Step(s *State, a explore.Action) (State, *Broken) {
	next, broken := w.Model.Step(s, a)
	w.seen.Store(w.of(&next), true)
	return next, broken
}

// met explores a configuration and returns what was remembered.
func met(t *testing.T, c Config, o explore.Options, of func(*Model, *State) uint64) map[uint64]bool {
	t.Helper()
	m, err := New(c)
	require.NoError(t, err)
	w := watched{m, &sync.Map{}, func(s *State) uint64 { return of(m, s) }}
	explored(t, w, o)
	all := map[uint64]bool{}
	w.seen.Range(func(k, _ any) bool { all[k.(uint64)] = true; return true })
	return all
}

// small are configurations to compare searches on.
var small = []string{"lag", "rerun", "operator", "older-proposer"}

// TestReductionLosesNothing: what properties look at is the same with and without.
func TestReductionLosesNothing(t *testing.T) {
	for _, name := range small {
		t.Run(name, func(t *testing.T) {
			c := Configs()[name]
			relevant := func(m *Model, s *State) uint64 { return m.Relevant(s) }
			all := met(t, c, explore.Options{Jobs: 2}, relevant)
			require.Equal(t, all, met(t, c, explore.Options{Reduction: true, Jobs: 2}, relevant))
			t.Logf("%d", len(all))
		})
	}
}

// TestSymmetryLosesNothing: every state has its representative among those visited, and
// no other one is.
func TestSymmetryLosesNothing(t *testing.T) {
	for _, name := range small {
		t.Run(name, func(t *testing.T) {
			c := Configs()[name]
			of := func(m *Model, s *State) uint64 { r := m.Canonical(s); return m.Fingerprint(&r) }
			all := met(t, c, explore.Options{Jobs: 2}, of)
			require.Equal(t, all, met(t, c, explore.Options{Symmetry: true, Jobs: 2}, of))
		})
	}
}

// TestLaws: Step is a function, Canonical is idempotent and the same for all renamings,
// and renaming commutes with stepping.
func TestLaws(t *testing.T) {
	for name, c := range Configs() {
		t.Run(name, func(t *testing.T) {
			m, err := New(c)
			require.NoError(t, err)
			renamings := min(len(m.renaming), 12)
			for seed := range uint64(6) {
				_, at := randomPath(m, seed, int(20*seed))
				enabled := m.Enabled(&at, nil)
				require.Equal(t, enabled, m.Enabled(&at, nil))
				var next []uint64
				for _, a := range enabled {
					one, _ := m.Step(&at, a)
					other, _ := m.Step(&at, a)
					require.Equal(t, one, other)
					r := m.Canonical(&one)
					require.Equal(t, r, m.Canonical(&r), "idempotent")
					next = append(next, m.Fingerprint(&r))
				}
				slices.Sort(next)
				for i := range renamings {
					renamed := m.rename(&at, i)
					require.Equal(t, m.Fingerprint(&renamed), m.renamedFingerprint(&at, i))
					require.Equal(t, m.Canonical(&at), m.Canonical(&renamed))
					var others []uint64
					for _, a := range m.Enabled(&renamed, nil) {
						n, _ := m.Step(&renamed, a)
						r := m.Canonical(&n)
						others = append(others, m.Fingerprint(&r))
					}
					slices.Sort(others)
					require.Equal(t, next, others, "renaming %d", i)
				}
			}
		})
	}
}

// TestFingerprintsAreThoseOfContents: whatever was met before, and in every process.
func TestFingerprintsAreThoseOfContents(t *testing.T) {
	prints := func(first uint64) string {
		m, err := New(Configs()["rerun"])
		require.NoError(t, err)
		for seed := range uint64(5) {
			randomPath(m, first+seed, 100)
		}
		var b strings.Builder
		for seed := range uint64(5) {
			_, at := randomPath(m, seed, 80)
			fmt.Fprintf(&b, "%016x ", m.Fingerprint(&at))
		}
		return b.String()
	}
	if os.Getenv("CLUSTER_PRINTS") != "" {
		fmt.Println(prints(20))
		return
	}
	require.Equal(t, prints(10), prints(20))
	cmd := exec.Command(os.Args[0], "-test.run", t.Name()+"$")
	cmd.Env = append(os.Environ(), "CLUSTER_PRINTS=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, prints(10), strings.SplitAfter(string(out), "\n")[0][:len(prints(10))])
}

// TestEncodingKnowsEveryField changes every field of a record: the encoding differs.
func TestEncodingKnowsEveryField(t *testing.T) {
	task := func() *fsm.Task {
		return &fsm.Task{Units: map[string]*fsm.Unit{"u1": {}}, PreparationCompletionAcks: map[string]fsm.PostCompletionAck{}, PostCompletionAcks: map[string]fsm.PostCompletionAck{}}
	}
	plain := string(appendTask(nil, task()))
	change := func(v reflect.Value) {
		switch x := v.Addr().Interface().(type) {
		case *time.Time:
			*x = epoch
		case *[]byte:
			*x = []byte{}
		default:
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Bool:
				v.SetBool(true)
			case reflect.Uint64:
				v.SetUint(7)
			case reflect.Float32:
				v.SetFloat(0.5)
			default:
				t.Fatalf("a field of kind %s: teach the test", v.Kind())
			}
		}
	}
	each := func(v reflect.Value, visit func(name string)) {
		for i := range v.NumField() {
			if kind := v.Field(i).Kind(); kind == reflect.Map || kind == reflect.Struct && v.Field(i).Type() != reflect.TypeFor[time.Time]() {
				continue
			}
			before := reflect.New(v.Field(i).Type()).Elem()
			before.Set(v.Field(i))
			change(v.Field(i))
			visit(v.Type().Name() + "." + v.Type().Field(i).Name)
			v.Field(i).Set(before)
		}
	}
	fields := 0
	t1 := task()
	visit := func(name string) {
		fields++
		require.NotEqual(t, plain, string(appendTask(nil, t1)), name)
	}
	each(reflect.ValueOf(t1).Elem(), visit)
	each(reflect.ValueOf(&t1.TaskDescriptor).Elem(), visit)
	each(reflect.ValueOf(t1.Units["u1"]).Elem(), visit)
	t1.PostCompletionAcks["n1"] = fsm.PostCompletionAck{}
	plain = string(appendTask(nil, t1))
	ack := fsm.PostCompletionAck{}
	each(reflect.ValueOf(&ack).Elem(), func(name string) {
		t1.PostCompletionAcks["n1"] = ack
		visit(name)
	})
	require.Greater(t, fields, 18)
}

// TestListsInBetweenLeaveNothing is what [world.rest] rests on: to see one state and then
// a newer one is to see the newer one.
func TestListsInBetweenLeaveNothing(t *testing.T) {
	checked := 0
	for _, name := range []string{"default", "overlap", "rerun", "cancel", "cleanup", "groups", "compete"} {
		m, err := New(Configs()[name])
		require.NoError(t, err)
		for seed := range uint64(30) {
			draw := at(m, seed)
			for i, s := range draw {
				for _, later := range draw[i:] {
					for node := range m.Nodes {
						p := m.parts.at(s.tasks[0].parts[node])
						older, newer := m.records.at(s.tasks[0].record), m.records.at(later.tasks[0].record)
						if older.task == nil || newer.task == nil {
							continue // absence leaves nothing behind at all
						}
						look := func(r *record, pass uint64) reconcile.View {
							return reconcile.View{Pass: p.passes.Begun + pass, Present: true, Task: reconcile.Observe(r.task, m.nodeName(node))}
						}
						both := p.decides.Memory.Saw(look(older, 1)).Saw(look(newer, 2))
						require.Equal(t, p.decides.Memory.Saw(look(newer, 2)).AppendBinary(nil), both.AppendBinary(nil))
						checked++
					}
				}
			}
		}
	}
	require.Greater(t, checked, 10_000)
}

// at returns some states of a random path.
func at(m *Model, seed uint64) []State {
	path, _ := randomPath(m, seed, 60)
	s := m.Initial(nil)[0]
	states := []State{s}
	for i, a := range path.Actions {
		s, _ = m.Step(&s, a)
		if i%5 == 0 {
			states = append(states, s)
		}
	}
	return states
}

// TestAuditsFire plants what an impure manager or reconcile would leave behind.
func TestAuditsFire(t *testing.T) {
	m, err := New(Configs()["rerun"])
	require.NoError(t, err)
	m.audits.every = 1
	s := m.initial
	k := s.tasks[0]
	e := m.at(k.parts[0], k.record)
	good := m.follow(e, k.parts[0], k.record, 0)
	require.NotPanics(t, func() { m.follow(e, k.parts[0], k.record, 0) })
	bad := *good
	bad.part = k.parts[1]
	e.edges[0].Store(&bad)
	require.Panics(t, func() { m.follow(e, k.parts[0], k.record, 0) })

	with := *m.withBystanders
	require.NotEmpty(t, with.bystanders)
	manager, err := with.manager(m.records.at(k.record))
	require.NoError(t, err)
	require.NoError(t, with.checkBystanders(manager))
	beside := with.bystanders[0].Clone()
	beside.Error = "touched"
	with.bystanders = append([]*fsm.Task{beside}, with.bystanders[1:]...)
	require.Error(t, with.checkBystanders(manager))
}

// TestForgetting: emptied tables give the same states other ids, and nothing else.
func TestForgetting(t *testing.T) {
	m, err := New(Configs()["large"])
	require.NoError(t, err)
	path, before := randomPath(m, 1, 200)
	print, kept := m.Fingerprint(&before), m.Retained()
	m.Reset()
	require.Equal(t, kept, m.Retained(), "it is not worth it")
	m.empty()
	require.Less(t, m.Retained(), kept)
	again, after := randomPath(m, 1, 200)
	require.Equal(t, path, again)
	require.Equal(t, print, m.Fingerprint(&after))
}

func TestSummary(t *testing.T) {
	require.Equal(t, "3 nodes, 3 units, barrier; 1 crash, 1 lost reply, 1 callback error", Configs()["default"].Summary())
	require.Equal(t, "2 nodes, 4 units, 2 groups; 1 crash, 1 unit failure", Configs()["groups"].Summary())
	require.Equal(t, "2 nodes, 2 units, barrier, lists lag by 1; 1 crash, 1 callback error", Configs()["lag"].Summary())
}

func TestConfigsAreValidated(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Config)
	}{
		{"no nodes", func(c *Config) { c.Nodes = 0 }},
		{"too many nodes", func(c *Config) { c.Nodes = MaxNodes + 1 }},
		{"too many units", func(c *Config) { c.Units = MaxUnits + 1 }},
		{"too many tasks", func(c *Config) { c.Tasks = MaxTasks + 1 }},
		{"more groups than units", func(c *Config) { c.Groups = c.Units + 1 }},
		{"too much lag", func(c *Config) { c.Lag = MaxLag + 1 }},
		{"too many crashes", func(c *Config) { c.Crashes = 16 }},
		{"fewer than none", func(c *Config) { c.Errors = -1 }},
		{"more leave than there are", func(c *Config) { c.Leaves = c.Nodes + 1 }},
		{"a barrier task to compete for", func(c *Config) { c.Compete = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Configs()["default"]
			require.NoError(t, config.Validate())
			c.edit(&config)
			_, err := New(config)
			require.Error(t, err)
		})
	}
}
