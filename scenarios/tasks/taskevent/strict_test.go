package taskevent_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// details returns the body of an event with the application's part in it.
func details(b trace.Body) trace.Details {
	switch b := b.(type) {
	case *event.Called:
		c := taskevent.CallOf(b)
		return &c
	case *event.AtRest:
		if b.What != event.RestState && b.What != event.RestLog {
			r := taskevent.RestOf(b)
			return &r
		}
	}
	return nil
}

// kept are traces that stand in the repository.
func kept(t *testing.T) []string {
	var files []string
	for _, pattern := range []string{"../../*/testdata/*.trace.jsonl*", "../../../reports/*/testdata/*.trace.jsonl*"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.GreaterOrEqual(t, len(files), 3)
	return files
}

func TestEveryEventOfAKeptTraceIsReadToItsLastField(t *testing.T) {
	for _, name := range kept(t) {
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		r, err := trace.NewReader(f)
		require.NoError(t, err, name)
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			b := taskevent.Of(&e)
			_, unknown := b.(*event.Other)
			require.False(t, unknown, "%s: event %d is of the kind %s", name, e.Seq, e.Kind)
			require.Equal(t, e.Kind, b.Kind())
			require.Equal(t, e.Fields, trace.FieldsOf(b), "%s: event %d is %s", name, e.Seq, e.Kind)
			if d := details(b); d != nil {
				var raw []trace.Field
				switch b := b.(type) {
				case *event.Called:
					raw = b.Details
				case *event.AtRest:
					raw = b.Details
				}
				require.Equal(t, raw, trace.FieldsOf(d), "%s: details of event %d, which is %s", name, e.Seq, e.Kind)
			}
		}
	}
}

// kinds returns the kinds that sim/trace has.
func kinds(t *testing.T) map[string]trace.Kind {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../sim/trace/kind.go", nil, 0)
	require.NoError(t, err)
	all := make(map[string]trace.Kind)
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			all[v.Names[0].Name] = trace.Kind(text)
		}
	}
	require.Greater(t, len(all), 50)
	return all
}

// fill gives every field of a struct a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if f := v.FieldByName("Set"); f.IsValid() {
			f.SetBool(true)
			fill(v.FieldByName("Value"), n)
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.String:
		v.SetString("text " + strconv.Itoa(*n))
	case reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint64 {
			v.Set(reflect.ValueOf([]uint64{uint64(*n), 1 << 63}))
			return
		}
		v.Set(reflect.ValueOf([]trace.Field{trace.Int("detail", int64(*n))}))
	default:
		panic(v.Type().String())
	}
}

func TestEveryKindHasAStructThatIsReadAsItWasWritten(t *testing.T) {
	for name, kind := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			b := taskevent.New(kind)
			require.NotNil(t, b)
			assert.Equal(t, kind, b.Kind())
			if kind != trace.FaultActivated && kind != trace.Quiescence {
				assert.Equal(t, name, reflect.TypeOf(b).Elem().Name())
			}
			if kind == trace.AtRest {
				return // it has never all of its fields
			}
			n := 0
			fill(reflect.ValueOf(b).Elem(), &n)
			e := trace.Event{Kind: kind, Fields: trace.FieldsOf(b)}
			assert.Equal(t, b, taskevent.Of(&e))
			seen := make(map[string]bool)
			for _, f := range e.Fields {
				assert.False(t, seen[f.Key], "the key %q stands there twice", f.Key)
				seen[f.Key] = true
			}
			// A zero body is read as one, too.
			e = trace.Event{Kind: kind, Fields: trace.FieldsOf(taskevent.New(kind))}
			assert.Equal(t, taskevent.New(kind), taskevent.Of(&e))
		})
	}
}

func TestWhatANodeHoldsIsReadAsItWasWritten(t *testing.T) {
	run := taskevent.Run{Namespace: "n", Task: "t", Version: 3}
	for _, r := range []taskevent.Rest{
		{What: taskevent.RestRecord, Run: run, Status: taskevent.Failed, Digest: "d"},
		{What: taskevent.RestLocal, Run: run},
		{What: taskevent.RestSchema, Collection: "C", Property: "p", Tokenization: "w"},
		{What: taskevent.RestShard, Collection: "C", Shard: "s", Property: "p", Tokenization: "w"},
		{What: taskevent.RestAlone, Collection: "C", Shard: "s", Property: "p", Run: taskevent.Run{Version: 4}},
	} {
		e := trace.Event{Kind: trace.AtRest, Fields: trace.FieldsOf(r.Event())}
		assert.Equal(t, r, taskevent.RestOf(taskevent.Of(&e).(*event.AtRest)))
	}
	for _, b := range []*event.AtRest{{What: event.RestState, Index: 1, Hash: "h"}, {What: event.RestLog, First: 1, Last: 2, Snapshot: 3, Covered: 4}} {
		e := trace.Event{Kind: trace.AtRest, Fields: trace.FieldsOf(b)}
		assert.Equal(t, b, taskevent.Of(&e))
	}
}

func TestABodyIsReadFromFieldsInAnyOrder(t *testing.T) {
	e := trace.Event{Kind: trace.TaskChanged, Fields: []trace.Field{
		trace.Str("unit", "u"), trace.Str("new", "?"), trace.Str("owner", "n1"), trace.Uint("version", 3), trace.Str("task", "t"),
	}}
	assert.Equal(t, &taskevent.TaskChanged{Run: taskevent.Run{Task: "t", Version: 3}, Unit: "u", Owner: "n1"}, taskevent.Of(&e))
}

func TestVerdictsOfTracesOfOldAreReadFromTheirWords(t *testing.T) {
	for outcome, want := range map[string]event.Verdict{
		"ok":                             {Class: event.ClassOK},
		"[dtm-perm/task-not-running] no": {Class: event.ClassPermanent, Reason: taskevent.TaskNotRunning},
		"drop: change conflicts with active task reindex/a@1": {
			Class: event.ClassRetryable, Reason: taskevent.TaskConflict, About: "reindex/a@1"},
		"it is late": {Class: event.ClassRetryable},
		"request c/1, low 2: request is below what its client still waits for": {Class: event.ClassRetryable, Reason: taskevent.RequestStale},
	} {
		assert.Equal(t, want, taskevent.VerdictOf(outcome, ""), outcome)
		assert.Equal(t, want, event.ParseVerdict(want.String()), outcome)
	}
	given := event.Verdict{Class: event.ClassRetryable, Reason: "why", About: "of what"}
	assert.Equal(t, given, taskevent.VerdictOf("session has expired", "retryable why of what"), "the words do not count beside a verdict")
	assert.Equal(t, event.Verdict{Class: event.ClassRetryable}, given.AtCaller())
}
