package shrink

import (
	"reflect"
	"slices"
	"strings"
	"time"

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
	return func(yield func(Subject) bool) {
		if s.atEnd {
			q := s.best.Clone()
			q.Base().Duration -= plan.Duration(quiet(q) - s.quiet)
			yield(q)
			return
		}
		for _, margin := range []time.Duration{time.Second, 5 * time.Second} {
			end := plan.Duration(s.found.At.Truncate(time.Second) + time.Second + margin)
			if end >= s.best.Base().Duration {
				return
			}
			q := s.best.Clone()
			p := q.Base()
			p.Duration = end
			if p.Quiescence >= end {
				p.Quiescence = end - plan.Duration(500*time.Millisecond)
			}
			if !yield(repaired(q)) {
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
func (s *shrinker) fixpoint(pass string, of func(s Subject) candidates) {
	for {
		if _, ok := s.accept(pass, of(s.best)); !ok {
			return
		}
	}
}

// settings are plans whose cluster, or a part of it, is as by default.
func settings(s Subject) candidates {
	usual := plan.Default().Cluster
	return func(yield func(Subject) bool) {
		for _, reset := range []func(s Subject, c *plan.Cluster){
			func(s Subject, c *plan.Cluster) { n := c.Nodes; *c = usual; c.Nodes = n; s.Reset() },
			func(_ Subject, c *plan.Cluster) { c.Raft = usual.Raft },
			func(_ Subject, c *plan.Cluster) { c.Network = usual.Network },
			func(_ Subject, c *plan.Cluster) { c.Disk = usual.Disk },
			func(s Subject, _ *plan.Cluster) { s.Reset() },
		} {
			q := s.Clone()
			reset(q, &q.Base().Cluster)
			if !yield(q) {
				return
			}
		}
	}
}

// closer are plans in which everything happens in half the time.
func closer(s Subject) candidates {
	return func(yield func(Subject) bool) {
		rest := s.Base().Duration - plan.Duration(quiet(s))
		if rest < plan.Duration(2*time.Second) {
			return
		}
		q := s.Clone()
		half := func(d *plan.Duration) { *d = plan.Duration((d.D() / 2).Round(time.Millisecond)) }
		q.Halve(half)
		p := q.Base()
		for i := range p.Faults {
			half(&p.Faults[i].At)
		}
		if p.Stalls != nil {
			for i := range p.Stalls.Held {
				half(&p.Stalls.Held[i].From)
			}
		}
		half(&p.Quiescence)
		p.Duration -= rest / 2
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

// leaf is a value inside a plan, and its default.
type leaf struct {
	value, boring reflect.Value
	// down is set if rounding may not make it larger.
	down bool
	// brief is set for a duration that matters below a second, too.
	brief bool
}

// leaves returns the values of a plan that may be changed, always in the same order.
func (s *shrinker) leaves(of Subject) []leaf {
	c := collector{boring: s.boring()}
	p, usual := of.Base(), plan.Default()
	none := reflect.Zero(reflect.TypeFor[plan.Duration]())
	c.collect(reflect.ValueOf(&p.Duration).Elem(), none)
	c.all[0].down = true
	c.collect(reflect.ValueOf(&p.Quiescence).Elem(), none)
	c.collect(reflect.ValueOf(&p.Cluster).Elem(), reflect.ValueOf(usual.Cluster))
	for _, v := range of.Values(!s.promise) {
		c.collect(reflect.ValueOf(v.Of).Elem(), reflect.ValueOf(v.Usual))
	}
	for i := range p.Faults {
		c.collect(reflect.ValueOf(&p.Faults[i]).Elem(), reflect.Value{})
	}
	if p.Stalls != nil {
		c.brief = true
		for i := range p.Stalls.Held {
			c.collect(reflect.ValueOf(&p.Stalls.Held[i]).Elem(), reflect.Value{})
		}
	}
	return c.all
}

// boring returns the values that a document may leave out.
func (s *shrinker) boring() map[reflect.Type]reflect.Value {
	all := make(map[reflect.Type]reflect.Value)
	for _, v := range s.app.Usual() {
		all[reflect.TypeOf(v)] = reflect.ValueOf(v)
	}
	return all
}

// kept are the fields that no simplification may touch: identities, and what the
// families of elements count down.
var kept = []string{"nodes", "key", "files", "replicas", "retry"}

type collector struct {
	all    []leaf
	boring map[reflect.Type]reflect.Value
	brief  bool
}

// collect appends the values inside v; usual is what they are by default, invalid for what
// the default of the type.
func (c *collector) collect(v, usual reflect.Value) {
	if !usual.IsValid() {
		var ok bool
		if usual, ok = c.boring[v.Type()]; !ok {
			usual = reflect.Zero(v.Type())
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if !slices.Contains(kept, name) {
				c.collect(v.Field(i), usual.Field(i))
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		c.all = append(c.all, leaf{value: v, boring: reflect.Zero(v.Type())})
		c.collect(v.Elem(), reflect.Value{})
	case reflect.Map: // whole, as what narrows a fault
		c.all = append(c.all, leaf{value: v, boring: reflect.Zero(v.Type())})
	case reflect.Slice:
	default:
		c.all = append(c.all, leaf{value: v, boring: usual, brief: c.brief})
	}
}

// simpler are the plans in which value i is simpler.
func (s *shrinker) simpler(i int, l leaf) candidates {
	return func(yield func(Subject) bool) {
		best := s.best
		for _, value := range l.simpler() {
			q := best.Clone()
			s.leaves(q)[i].value.Set(value)
			if !yield(q) {
				return
			}
		}
	}
}

// simpler returns values for the leaf, the simplest first.
func (l leaf) simpler() []reflect.Value {
	switch l.value.Kind() {
	case reflect.Pointer, reflect.Map:
		if l.value.IsZero() {
			return nil
		}
	default:
		if l.value.Equal(l.boring) {
			return nil
		}
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
		least := time.Second
		if l.brief {
			least = time.Millisecond
		}
		number(rounder(l.value.Int(), int64(least), int64(time.Millisecond)))
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
