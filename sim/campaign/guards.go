package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// A campaign in which everything passes is evidence only if its checks can fail, its runs
// differ, and each of them is a function of its plan. So every campaign
//
//   - runs one plan that must pass and one that must not (see [Controls]), with each of its
//     engines,
//   - refuses empty traces (see [Once]),
//   - makes some of its runs twice, and compares the traces to the byte,
//   - counts what those runs covered once more, from the trace, and makes each of them
//     again without one of its faults (see [Spec.ablate]),
//   - refuses two seeds whose runs are the same.

// Controls are two runs about the harness itself.
type Controls struct {
	// Passes must pass; if it does not, that is a violation like any other.
	Passes Run
	// Fails must violate Planted and nothing else.
	Fails   Run
	Planted string
}

// twiceEvery is how many runs there are to one that is made twice; the first is.
const twiceEvery = 16

// control runs the controls with an engine. They are kept only if they fail.
func (spec *Spec) control(ctx context.Context, e engine.Engine) []Outcome {
	quiet := *spec
	quiet.KeepAll = false
	return []Outcome{
		quiet.perform(ctx, slot{outcome: &Outcome{Run: spec.Controls.Passes}, engine: e}),
		spec.plant(ctx, e),
	}
}

// plant runs the plan that must fail. Its outcome is Passed when it did, and Violated when
// the system has ended the run.
func (spec *Spec) plant(ctx context.Context, e engine.Engine) Outcome {
	run := spec.Controls.Fails
	o := Outcome{Run: run, Engine: e.Name()}
	if ctx.Err() != nil {
		return o
	}
	p := run.Plan()
	o.PlanHash = plan.Hash(p)
	r, err := spec.Application.Once(ctx, e, engine.Job{Plan: p, Entropy: Entropy(p)})
	if ctx.Err() != nil {
		return o
	}
	if err != nil {
		return spec.harnessError(o, err, r.Trace)
	}
	if endedBySystem(r) {
		// The checks had no chance; that the system ends the run is a violation like any other.
		quiet := *spec
		quiet.KeepAll = false
		return quiet.perform(ctx, slot{outcome: &Outcome{Run: run}, engine: e})
	}
	found := Outcome{Violations: r.Footer.Verdict.Violations}.Properties()
	if !slices.Equal(found, []string{spec.Controls.Planted}) {
		words := "nothing"
		if len(found) > 0 {
			words = strings.Join(found, ", ")
		}
		return spec.harnessError(o, fmt.Errorf("a violation of %s was planted and the checks found %s: they cannot be trusted",
			spec.Controls.Planted, words), r.Trace)
	}
	o.State, o.Build, o.Hash = Passed, r.Header.Build, r.Footer.Hash
	return o
}

// endedBySystem reports whether the system has ended a run, and not the harness.
func endedBySystem(r Recorded) bool {
	return r.Footer.Counters[string(trace.Panicked)]+r.Footer.Counters[string(trace.LeftBehind)] > 0
}

// again makes a run once more. The error is a failure of the harness, with the second
// trace where it has one.
func (spec *Spec) again(ctx context.Context, e engine.Engine, job engine.Job, first Recorded) ([]byte, error) {
	second, err := spec.Application.Once(ctx, e, job)
	if err != nil {
		return nil, fmt.Errorf("the repetition: %w", err)
	}
	if d := trace.Diverge(first.Trace, second.Trace); d != nil {
		return second.Trace, fmt.Errorf("nondeterminism, a bug of the harness: the same run gave two traces; %s", d)
	}
	return nil, nil
}

// eventsHash is the hash of the events of a run, without what names its plan: the
// header, the first event (which has the seed), and the footer.
func (r Recorded) eventsHash() string {
	events := r.Trace
	for range 2 {
		_, events, _ = bytes.Cut(events, []byte("\n"))
	}
	end := bytes.LastIndexByte(bytes.TrimSuffix(events, []byte("\n")), '\n')
	sum := sha256.Sum256(events[:max(end, 0)])
	return hex.EncodeToString(sum[:16])
}

// errSeed is the failure of a harness whose seeds decide nothing.
var errSeed = errors.New("the seed decides nothing")

// distinguish makes failures of runs whose events are those of another seed of the
// same family.
func distinguish(outcomes []Outcome) {
	type events struct {
		family *Family
		hash   string
	}
	first := map[events]Run{}
	for i := range outcomes {
		o := &outcomes[i]
		key := events{o.Run.Family, o.Events}
		if o.Events == "" {
			continue
		}
		if other, there := first[key]; there && other.Seed != o.Run.Seed {
			o.Err = errors.Join(o.Err, fmt.Errorf("%s has the same events as seed %d: %w", o.Run, other.Seed, errSeed))
			continue
		}
		first[key] = o.Run
	}
}

// Twice returns how many runs were made twice and gave the same trace.
func (r Result) Twice() int {
	n := 0
	for _, o := range r.All() {
		if o.Twice {
			n++
		}
	}
	return n
}
