package shrink

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// shorten ends the run soon after the violation, if that came before its end.
func (s *shrinker) shorten() {
	for {
		if _, ok := s.accept("duration", s.ends()); !ok {
			return
		}
	}
}

// ends are plans that end sooner.
func (s *shrinker) ends() candidates {
	return func(yield func(*taskplan.Plan) bool) {
		if s.atEnd {
			p := clone(s.best)
			p.Duration = p.Duration - plan.Duration(quiet(p)-s.quiet)
			yield(p)
			return
		}
		for _, margin := range []time.Duration{time.Second, 5 * time.Second} {
			end := plan.Duration(s.found.At.Truncate(time.Second) + time.Second + margin)
			if end >= s.best.Duration {
				return
			}
			p := clone(s.best)
			p.Duration = end
			if p.Calm >= end {
				p.Calm = end - plan.Duration(500*time.Millisecond)
			}
			if !yield(repaired(p)) {
				return
			}
		}
	}
}

// simplify makes what is left plainer: settings go back to their defaults, times move
// together and become round. It leaves enough of the budget for the proof.
func (s *shrinker) simplify() {
	s.reserve = s.elements() + 1
	defer func() { s.reserve = 0 }()
	for again := true; again; {
		before := s.best
		s.shorten()
		s.fixpoint("settings", settings)
		if !s.promise {
			s.fixpoint("times", closer)
		}
		s.fields()
		again = s.best != before
	}
}

// fixpoint accepts candidates until there are none.
func (s *shrinker) fixpoint(pass string, of func(p *taskplan.Plan) candidates) {
	for {
		if _, ok := s.accept(pass, of(s.best)); !ok {
			return
		}
	}
}

// settings are plans whose cluster, or a part of it, is as by default.
func settings(p *taskplan.Plan) candidates {
	usual := taskplan.Default()
	return func(yield func(*taskplan.Plan) bool) {
		ours := func(q *taskplan.Plan) {
			q.SchedulerTick, q.CompletedTaskTTL = usual.SchedulerTick, usual.CompletedTaskTTL
		}
		for _, reset := range []func(q *taskplan.Plan){
			func(q *taskplan.Plan) { n := q.Cluster.Nodes; q.Cluster = usual.Cluster; q.Cluster.Nodes = n; ours(q) },
			func(q *taskplan.Plan) { q.Cluster.Raft = usual.Cluster.Raft },
			func(q *taskplan.Plan) { q.Cluster.Network = usual.Cluster.Network },
			func(q *taskplan.Plan) { q.Cluster.Disk = usual.Cluster.Disk },
			ours,
		} {
			q := clone(p)
			reset(q)
			if !yield(q) {
				return
			}
		}
	}
}

// closer are plans in which everything happens in half the time.
func closer(p *taskplan.Plan) candidates {
	return func(yield func(*taskplan.Plan) bool) {
		rest := p.Duration - plan.Duration(quiet(p))
		if rest < plan.Duration(2*time.Second) {
			return
		}
		q := clone(p)
		half := func(d *plan.Duration) { *d = plan.Duration((d.D() / 2).Round(time.Millisecond)) }
		for i := range q.Workload {
			half(&q.Workload[i].At)
		}
		for i := range q.Faults {
			half(&q.Faults[i].At)
		}
		half(&q.Calm)
		q.Duration -= rest / 2
		yield(q)
	}
}

// fields makes each single value of the plan simpler, one after the other.
func (s *shrinker) fields() {
	for i := 0; i < len(s.leaves(s.best)); i++ {
		for {
			leaf := s.leaves(s.best)[i]
			if _, ok := s.accept("fields", s.simpler(i, leaf)); !ok {
				break
			}
			if len(s.leaves(s.best)) <= i {
				return
			}
		}
	}
}

// leaf is a value inside a plan, beside the one that says nothing.
type leaf struct {
	value, boring reflect.Value
	// down says that it may not become larger to be rounder.
	down bool
}

// leaves returns the values of a plan that may be changed, always in the same order.
func (s *shrinker) leaves(p *taskplan.Plan) []leaf {
	var all []leaf
	usual := taskplan.Default()
	collect(&all, reflect.ValueOf(&p.Duration).Elem(), reflect.Zero(reflect.TypeFor[plan.Duration]()))
	all[0].down = true
	collect(&all, reflect.ValueOf(&p.Calm).Elem(), reflect.Zero(reflect.TypeFor[plan.Duration]()))
	collect(&all, reflect.ValueOf(&p.Cluster).Elem(), reflect.ValueOf(usual.Cluster))
	collect(&all, reflect.ValueOf(&p.SchedulerTick).Elem(), reflect.ValueOf(usual.SchedulerTick))
	collect(&all, reflect.ValueOf(&p.CompletedTaskTTL).Elem(), reflect.ValueOf(usual.CompletedTaskTTL))
	if !s.promise {
		for i := range p.Workload {
			collect(&all, reflect.ValueOf(&p.Workload[i]).Elem(), reflect.Value{})
		}
		for _, t := range inheritedTasks(p) {
			collect(&all, reflect.ValueOf(t).Elem(), reflect.Value{})
		}
	}
	for i := range p.Faults {
		collect(&all, reflect.ValueOf(&p.Faults[i]).Elem(), reflect.Value{})
	}
	return all
}

// boring are the values that a document may leave out.
var boring = map[reflect.Type]reflect.Value{
	reflect.TypeFor[taskplan.Operation]():  reflect.ValueOf(taskplan.Operation{Node: plan.NodeName(1)}),
	reflect.TypeFor[taskplan.Collection](): reflect.ValueOf(taskplan.Collection{Replicas: 1}),
	reflect.TypeFor[taskplan.Task]():       reflect.ValueOf(taskplan.Task{Parallel: 1, MinUnitTime: plan.Duration(time.Second)}),
}

// kept are the fields that no simplification may touch: identities, and what the
// families of elements count down.
var kept = []string{"nodes", "key", "files", "replicas", "retry"}

// collect appends the values inside v; usual is what they are when nobody says
// anything, invalid for what the type says.
func collect(all *[]leaf, v, usual reflect.Value) {
	if !usual.IsValid() {
		var ok bool
		if usual, ok = boring[v.Type()]; !ok {
			usual = reflect.Zero(v.Type())
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if !slices.Contains(kept, name) {
				collect(all, v.Field(i), usual.Field(i))
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		*all = append(*all, leaf{value: v, boring: reflect.Zero(v.Type())})
		collect(all, v.Elem(), reflect.Value{})
	case reflect.Slice, reflect.Map:
	default:
		*all = append(*all, leaf{value: v, boring: usual})
	}
}

// simpler are the plans in which value i is simpler.
func (s *shrinker) simpler(i int, l leaf) candidates {
	return func(yield func(*taskplan.Plan) bool) {
		best := s.best
		for _, value := range l.simpler() {
			q := clone(best)
			s.leaves(q)[i].value.Set(value)
			if !yield(q) {
				return
			}
		}
	}
}

// simpler returns values for the leaf, the simplest first.
func (l leaf) simpler() []reflect.Value {
	if l.value.Kind() != reflect.Pointer && l.value.Equal(l.boring) || l.value.IsZero() && l.value.Kind() == reflect.Pointer {
		return nil
	}
	all := []reflect.Value{l.boring}
	number := func(values []int64) {
		for _, n := range values {
			if l.down && n > l.value.Int() {
				continue
			}
			v := reflect.New(l.value.Type()).Elem()
			if v.CanInt() {
				v.SetInt(n)
			} else {
				v.SetUint(uint64(n))
			}
			all = append(all, v)
		}
	}
	switch {
	case l.value.Type() == reflect.TypeFor[plan.Duration]():
		number(rounder(l.value.Int(), int64(time.Second), int64(time.Millisecond)))
	case l.value.CanInt():
		number(rounder(l.value.Int(), 1, 1))
	case l.value.CanUint():
		number(rounder(int64(l.value.Uint()), 1, 1))
	}
	return all
}

// rounder returns numbers with no more digits than n, and smaller unless they have
// fewer; none is closer to zero than least, none finer than finest.
func rounder(n, least, finest int64) (all []int64) {
	if n < 0 {
		for _, m := range rounder(-n, least, finest) {
			all = append(all, -m)
		}
		return all
	}
	add := func(m int64) {
		if m >= least && m != n && !slices.Contains(all, m) &&
			(digits(m) < digits(n) || digits(m) == digits(n) && m < n) {
			all = append(all, m)
		}
	}
	top := int64(1)
	for top <= n/10 {
		top *= 10
	}
	add(n / 2 / top * top)
	add(n / 2 / max(top/10, 1) * max(top/10, 1))
	for unit := top; unit >= finest; unit /= 10 {
		add(n / unit * unit)
		add((n + unit - 1) / unit * unit)
		if unit == 1 {
			break
		}
	}
	return all
}

// digits counts the digits of a number without the zeros at its end.
func digits(n int64) (count int) {
	for n != 0 && n%10 == 0 {
		n /= 10
	}
	for ; n != 0; n /= 10 {
		count++
	}
	return count
}
