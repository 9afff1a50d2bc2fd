package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"dtsim/scenarios/mutants"
	"dtsim/sim/engine/build"
)

// Explore is the judge that lets the model checker visit every state of small clusters
// made of the mutated code: `dtsim check`, built with the edits.
type Explore struct {
	// Dir is a directory inside the module.
	Dir string
	// Configs are the arguments of `dtsim check`, tried one after the other.
	Configs [][]string
	Budget  time.Duration
	Log     func(string)
	Now     func() time.Time
}

// Name implements [Judge].
func (x *Explore) Name() string { return exploreName }

// Asked implements [Judge].
func (x *Explore) Asked(m *mutants.Mutant) string { return m.Unmodelled }

// environment is what chooses a mutant.
func (s System) environment() []string {
	if s.Choice == "" {
		return nil
	}
	return []string{s.Choice}
}

// Look implements [Judge].
func (x *Explore) Look(ctx context.Context, system System, wanted func(string) bool, _ int) Finding {
	program, err := build.Make(ctx, build.Request{
		Name: "model checker", Dir: x.Dir, Package: "dtsim/cmd/dtsim", Target: build.Host(), Edits: system.Edits, Log: x.Log,
	})
	if err != nil {
		return Finding{Err: err}
	}
	dir, err := os.MkdirTemp("", "dtsim-mutant-") // for counterexamples; the gallery keeps the command
	if err != nil {
		return Finding{Err: err}
	}
	defer os.RemoveAll(dir)
	started := x.Now()
	bounded, cancel := context.WithTimeout(ctx, x.Budget)
	defer cancel()
	f := Finding{Fired: map[string]int{}}
	for _, config := range x.Configs {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(bounded, program.Path, append([]string{"check", "--json", "--out", dir}, config...)...)
		cmd.Env = append(os.Environ(), system.environment()...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = x.Dir, &stdout, &stderr
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		f.Wall = x.Now().Sub(started)
		if bounded.Err() != nil {
			return f
		}
		var said struct {
			States     int
			Violations []struct{ Property, Message string }
		}
		if bad := json.Unmarshal(stdout.Bytes(), &said); bad != nil {
			f.Err = errors.Join(fmt.Errorf("dtsim check %s: %w: %s", strings.Join(config, " "), bad, strings.TrimSpace(stderr.String())), err)
			return f
		}
		f.Runs += said.States
		if len(said.Violations) > 0 {
			f.Violating++
		}
		for _, v := range said.Violations {
			f.Fired[v.Property]++
			if f.Property == "" && wanted(v.Property) {
				f.Property, f.Message, f.Where = v.Property, v.Message, "dtsim check "+strings.Join(config, " ")
			}
		}
		if f.Property != "" {
			return f
		}
	}
	return f
}
