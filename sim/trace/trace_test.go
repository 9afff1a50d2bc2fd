package trace_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// header is a header for tests.
func header() trace.Header {
	p := plan.Default()
	p.Application, p.Part = "counter", json.RawMessage(`{"add":[1,2]}`)
	return trace.Header{Plan: p, Engine: "native", Entropy: math.MaxUint64, Build: "b<1>"}
}

// events has every type of field, and strings that need care.
var events = []trace.Event{
	{Seq: 1, At: 0, Kind: trace.RunStarted, Fields: []trace.Field{trace.Uint("seed", math.MaxUint64), trace.Int("nodes", 3)}},
	{Seq: 2, At: 0, Node: "n1", Incarnation: 1, Kind: trace.NodeStarted},
	{Seq: 3, At: 5, Node: "n1", Incarnation: 1, Kind: trace.Applied, Fields: []trace.Field{
		trace.Uint("index", 7), trace.Bool("again", false), trace.Bool("first", true), trace.Int("delta", math.MinInt64),
		trace.Str("outcome", "a \"quoted\"\\ line\nand\ta tab \x00\x1f\x7f é 漢 \u2028 <&>"), trace.Str("empty", ""),
		trace.Dur("took", time.Second), trace.Uint("big", math.MaxInt64+1),
	}},
	{Seq: 4, At: time.Hour, Node: "n2", Incarnation: 12, Kind: trace.NodeStopped, Fields: []trace.Field{trace.Str("how", "crash")}},
}

// record returns the trace of the events.
func record(tb testing.TB, v trace.Verdict, events ...trace.Event) ([]byte, trace.Footer) {
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, header())
	require.NoError(tb, err)
	for _, e := range events {
		r.Emit(e)
	}
	f, err := r.Close(v)
	require.NoError(tb, err)
	return b.Bytes(), f
}

var passed = trace.Verdict{Passed: true}

func violated() trace.Verdict {
	return trace.Verdict{Violations: []trace.Violation{
		{Property: "P5", Message: "swapped before \"n2\" was prepared", At: 3 * time.Second, Node: "n1", Events: []int{2, 3}},
		{Property: "task-ends", Message: "never ended"},
	}}
}

func TestATraceIsReadAsItWasRecorded(t *testing.T) {
	for _, v := range []trace.Verdict{passed, violated()} {
		data, footer := record(t, v, events...)
		got, err := trace.Read(bytes.NewReader(data))
		require.NoError(t, err)
		want := header()
		want.Format = trace.Format
		require.Equal(t, want, got.Header)
		require.Equal(t, events, got.Events)
		require.Equal(t, footer, got.Footer)
		require.Equal(t, v, got.Footer.Verdict)
		require.Equal(t, time.Hour, footer.VirtualTime)
		require.Equal(t, 4, footer.Events)
		require.Equal(t, map[string]int64{"run-started": 1, "node-started": 1, "applied": 1, "node-stopped": 1}, footer.Counters)
	}
}

func TestTheFormIsTheGoldenOne(t *testing.T) {
	data, _ := record(t, violated(), events...)
	golden := filepath.Join("testdata", "small.trace.jsonl")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, data, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(data), "the format changed: raise trace.Format, or undo the change")
}

// The header of a trace of yesterday has a plan of format 1.
func TestATraceWithAnOldPlanIsRead(t *testing.T) {
	old, err := os.ReadFile(filepath.Join("testdata", "plan-1.trace.jsonl"))
	require.NoError(t, err)
	whole, err := trace.Read(bytes.NewReader(old))
	require.NoError(t, err)
	require.Equal(t, "tasks", whole.Header.Plan.Application)
	require.JSONEq(t, `{"scheduler_tick":"1s","completed_task_ttl":"1h0m0s","workload":[{"at":"1s","node":"n1","do":"list-tasks"}]}`,
		string(whole.Header.Plan.Part))
}

// A profile stands in the header, and one of no name does not.
func TestAProfileIsInTheHeader(t *testing.T) {
	for _, profile := range []string{"", "lenient"} {
		var b bytes.Buffer
		h := header()
		h.Profile = profile
		r, err := trace.NewRecorder(&b, h)
		require.NoError(t, err)
		require.Equal(t, profile, r.Profile())
		_, err = r.Close(passed)
		require.NoError(t, err)
		require.Equal(t, profile != "", bytes.Contains(b.Bytes(), []byte(`"profile":"lenient"`)))
		got, err := trace.Read(&b)
		require.NoError(t, err)
		require.Equal(t, profile, got.Header.Profile)
	}
}

func TestEqualEventsHaveEqualBytes(t *testing.T) {
	a, fa := record(t, passed, events...)
	b, fb := record(t, passed, events...)
	require.Equal(t, a, b)
	require.Equal(t, fa.Hash, fb.Hash)
	_, fc := record(t, passed, events[:3]...)
	require.NotEqual(t, fa.Hash, fc.Hash)
}

func TestBytesThatAreNoTextBecomeReplacementCharacters(t *testing.T) {
	data, _ := record(t, passed, trace.Event{Kind: "k", Fields: []trace.Field{trace.Str("s", "a\xffb\xc3")}})
	got, err := trace.Read(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, "a\uFFFDb\uFFFD", got.Events[0].Str("s"))

	broken := trace.Violation{Property: "P\xff", Message: "a\xffb\xc3", Node: "\xfe"}
	data, footer := record(t, trace.Verdict{Violations: []trace.Violation{broken}})
	got, err = trace.Read(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, footer, got.Footer)
	require.Equal(t, []trace.Violation{{Property: "P\uFFFD", Message: "a\uFFFDb\uFFFD", Node: "\uFFFD"}}, got.Footer.Verdict.Violations)
	require.Equal(t, "a\xffb\xc3", broken.Message)
}

func TestFieldsTellWhatTheyHold(t *testing.T) {
	e := events[2]
	require.Equal(t, int64(7), e.Int("index"))
	require.True(t, e.Bool("first"))
	require.False(t, e.Bool("again"))
	require.Equal(t, "7", e.Str("index"))
	require.Equal(t, "true", e.Str("first"))
	require.Equal(t, "", e.Str("nothing"))
	big, ok := e.Get("big")
	require.True(t, ok)
	require.Equal(t, uint64(math.MaxInt64+1), big.Uint())
	require.Zero(t, big.Int())
	require.Equal(t, "9223372036854775808", big.Text())
	require.Zero(t, trace.Int("k", -1).Uint())
	require.Zero(t, trace.Str("k", "1").Int())
	require.False(t, trace.Int("k", 1).Bool())
	require.Equal(t, trace.Int("k", 5), trace.Uint("k", 5))
}

func TestWhatIsNotATraceIsRefusedWithItsLine(t *testing.T) {
	whole, _ := record(t, violated(), events...)
	lines := strings.SplitAfter(string(whole), "\n") // the last one is empty
	join := func(l ...string) string { return strings.Join(l, "") }
	edit := func(i int, old, new string) string {
		l := append([]string{}, lines...)
		require.Contains(t, l[i], old)
		l[i] = strings.Replace(l[i], old, new, 1)
		return join(l...)
	}
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "trace: line 1: the file is empty"},
		{"no header", "{}\n", "trace: line 1: this is not the header of a trace"},
		{"a plan", "{\n", "trace: line 1: this is not the header of a trace"},
		{"another format", edit(0, `{"format":1`, `{"format":2`), "trace: line 1: format 2 is unknown; this build reads format 1"},
		{"an impossible plan", edit(0, `"nodes":3`, `"nodes":0`), "trace: line 1: plan: cluster.nodes: 0 is not from 1 to 9 (line 1, column 76)"},
		{"a header with an unknown field", edit(0, `"engine"`, `"motor"`), `trace: line 1: json: unknown field "motor"`},
		{"a header in another form", edit(0, `"engine":`, `"engine": `), "trace: line 1: column 22: not as a recorder writes it: it was edited"},
		{"a changed seed", edit(0, `"seed":1`, `"seed":2`), "trace: line 6: the lines before this one were edited: their hash is"},
		{"only a header", lines[0], "trace: line 2: the trace ends here, without its footer: it was cut off"},
		{"no footer", join(lines[:5]...), "trace: line 6: the trace ends here, without its footer: it was cut off"},
		{"half a line", join(lines[:3]...) + lines[3][:10], "trace: line 4: the trace ends in the middle of this line: it was cut off"},
		{"a footer without its end", join(lines[:5]...) + lines[5][:len(lines[5])-1], "trace: line 6: the trace ends in the middle of this line: it was cut off"},
		{"a line that is missing", join(lines[0], lines[1], lines[2], lines[4], lines[5]), "trace: line 5: the lines before this one were edited"},
		{"a line that is there twice", join(lines[0], lines[1], lines[1], lines[2], lines[3], lines[4], lines[5]), "trace: line 7: the lines before this one were edited"},
		{"a changed value", edit(3, `"index":7`, `"index":8`), "trace: line 6: the lines before this one were edited"},
		{"a number in another form", edit(3, `"index":7`, `"index":07`), "trace: line 4: column 64: not as a recorder writes it: it was edited"},
		{"a fraction", edit(3, `"index":7`, `"index":7.5`), `trace: line 4: column 65: } is missing`},
		{"a number too large", edit(3, `"index":7`, `"index":99999999999999999999`), "trace: line 4: column 64: a value is missing, or no whole number of 64 bits"},
		{"a field twice", edit(3, `"again":false`, `"index":7`), `trace: line 4: column 75: the field "index" is there twice`},
		{"an event without a kind", edit(3, `"kind":"applied",`, ""), `trace: line 4: column 28: ,"kind": is missing`},
		{"a blank line", join(lines[0], "\n", lines[1]), `trace: line 2: column 1: {"at": is missing`},
		{"a string without an end", join(lines[0], `{"at":0,"kind":"x\`, "\n"), "trace: line 2: column 16: the string has no end"},
		{"a string with a bad escape", join(lines[0], `{"at":0,"kind":"\x"}`, "\n"), `trace: line 2: column 16: "\x" is no string`},
		{"something behind an event", join(lines[0], `{"at":0,"kind":"x"} `, "\n"), "trace: line 2: column 20: there is something after the event"},
		{"time that runs backwards", join(lines[0], lines[4], lines[3]), "trace: line 3: time runs backwards, from 1h0m0s to 5ns"},
		{"another verdict", edit(5, `"passed":false`, `"passed":true`), "trace: line 6: the footer was edited: it does not agree with its seal"},
		{"another message", edit(5, "never ended", "ended"), "trace: line 6: the footer was edited: it does not agree with its seal"},
		{"a footer with an unknown field", edit(5, `"events"`, `"event"`), `trace: line 6: json: unknown field "event"`},
		{"something after the footer", string(whole) + "\n", "trace: line 7: there is something after the footer"},
		{"two traces", string(whole) + string(whole), "trace: line 7: there is something after the footer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := trace.Read(strings.NewReader(c.in))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAFooterThatIsSealedAgainMustAgreeWithTheEvents(t *testing.T) {
	whole, footer := record(t, violated(), events...)
	body, last := whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:]
	for _, c := range []struct{ old, new, want string }{
		{footer.Hash, strings.Repeat("0", 64), "trace: line 6: the lines before this one were edited"},
		{`"events":4`, `"events":5`, "trace: line 6: there are 4 events, the footer has 5"},
		{`"virtual_time":3600000000000`, `"virtual_time":7`, "trace: line 6: the last event is at 1h0m0s, the footer has 7ns"},
		{`"applied":1`, `"applied":2`, "trace: line 6: the counters of the footer are not those of the events"},
		{`"passed":false`, `"passed":true`, "trace: line 6: passed is true, but there are 2 violations"},
	} {
		open, _, ok := strings.Cut(string(last), `,"seal"`)
		require.True(t, ok)
		require.Contains(t, open, c.old)
		open = strings.Replace(open, c.old, c.new, 1)
		forged := fmt.Sprintf("%s%s,\"seal\":\"%x\"}\n", body, open, sha256.Sum256([]byte(open+"}")))
		_, err := trace.Read(strings.NewReader(forged))
		require.ErrorContains(t, err, c.want)
	}
}

func TestEveryCutAndEveryChangedByteIsRefused(t *testing.T) {
	whole, _ := record(t, violated(), events...)
	for i := range whole {
		_, err := trace.Read(bytes.NewReader(whole[:i]))
		require.ErrorContains(t, err, "trace: line ", "cut at %d", i)
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		_, err = trace.Read(bytes.NewReader(changed))
		require.ErrorContains(t, err, "trace: line ", "changed at %d", i)
	}
}

func TestAReaderOfSomeKindsReturnsThemAloneAndRefusesNoLess(t *testing.T) {
	data, _ := record(t, violated(), events...)
	read := func(data []byte, kinds ...trace.Kind) (got []trace.Event, err error) {
		r, err := trace.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		r.Only(kinds...)
		for {
			e, err := r.Next()
			if err == io.EOF {
				require.Equal(t, 4, r.Footer().Events)
				return got, nil
			}
			if err != nil {
				return got, err
			}
			got = append(got, e)
		}
	}
	for _, c := range []struct {
		kinds []trace.Kind
		want  []trace.Event
	}{
		{nil, nil},
		{[]trace.Kind{trace.Applied}, events[2:3]},
		{[]trace.Kind{trace.NodeStopped, trace.RunStarted, trace.Quiescence}, []trace.Event{events[0], events[3]}},
	} {
		got, err := read(data, c.kinds...)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		_, err := read(changed, trace.NodeStarted)
		require.Error(t, err, "byte %d", i)
		_, err = read(data[:i], trace.NodeStarted)
		require.Error(t, err, "cut at byte %d", i)
	}
}

func TestAReaderKeepsItsError(t *testing.T) {
	whole, _ := record(t, passed, events...)
	r, err := trace.NewReader(bytes.NewReader(whole[:len(whole)-1]))
	require.NoError(t, err)
	for err == nil {
		_, err = r.Next()
	}
	_, again := r.Next()
	require.Equal(t, err, again)
	require.NotErrorIs(t, err, io.EOF)
}

func TestARecorderRefuses(t *testing.T) {
	h := header()
	h.Plan.Cluster.Nodes = 0
	_, err := trace.NewRecorder(io.Discard, h)
	require.EqualError(t, err, "trace: header: plan: cluster.nodes: 0 is not from 1 to 9")

	r, err := trace.NewRecorder(io.Discard, header())
	require.NoError(t, err)
	r.Emit(events[3])
	r.Emit(events[2])
	_, err = r.Close(passed)
	require.EqualError(t, err, `trace: event 2 (applied of "n1") is at 5ns, before the event before it (1h0m0s)`)
	_, err = r.Close(passed)
	require.EqualError(t, err, "trace: the recorder is closed already")

	r, err = trace.NewRecorder(io.Discard, header())
	require.NoError(t, err)
	_, err = r.Close(trace.Verdict{})
	require.EqualError(t, err, "trace: a verdict of passed=false has 0 violations")

	r, err = trace.NewRecorder(broken{}, header())
	require.NoError(t, err)
	_, err = r.Close(passed)
	require.ErrorIs(t, err, errBroken)

	var none *trace.Recorder
	none.Emit(events[0])
	none.Watch(func(trace.Event) {})
	_, err = none.Close(passed)
	require.Error(t, err)
}

func TestCountersOfOtherThingsThanEventsAreInTheFooter(t *testing.T) {
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, header())
	require.NoError(t, err)
	r.Emit(events[0])
	r.Count("sometimes/leader", 2)
	r.Count("sometimes/leader", 1)
	r.Count("sometimes/never", 0)
	f, err := r.Close(passed)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"run-started": 1, "sometimes/leader": 3}, f.Counters)
	got, err := trace.Read(&b)
	require.NoError(t, err)
	require.Equal(t, f, got.Footer)

	for name, use := range map[string]func(*trace.Recorder){
		`trace: the counter "leader" has no slash in its name`: func(r *trace.Recorder) { r.Count("leader", 1) },
		`trace: event 1: the kind "a/b" has a slash in it`:     func(r *trace.Recorder) { r.Emit(trace.Event{Kind: "a/b"}) },
	} {
		r, err := trace.NewRecorder(io.Discard, header())
		require.NoError(t, err)
		use(r)
		_, err = r.Close(passed)
		require.EqualError(t, err, name)
	}
	var none *trace.Recorder
	none.Count("sometimes/leader", 1)
}

var errBroken = errors.New("the disk is full")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWatchersSeeTheEventsOfTheirKinds(t *testing.T) {
	r, err := trace.NewRecorder(io.Discard, header())
	require.NoError(t, err)
	var all, some []trace.Event
	r.Watch(func(e trace.Event) { all = append(all, e) })
	r.Watch(func(e trace.Event) { some = append(some, e) }, trace.Applied, trace.NodeStopped)
	fields := []trace.Field{trace.Int("x", 1)}
	r.Emit(trace.Event{Kind: trace.RunStarted, Fields: fields})
	fields[0] = trace.Int("x", 2) // Emit keeps nothing
	r.Emit(events[2])
	require.Len(t, all, 2)
	require.Equal(t, int64(1), all[0].Int("x"))
	want := events[2]
	want.Seq = 2
	require.Equal(t, []trace.Event{want}, some)
}

// greeting is a body of this test.
type greeting struct {
	to   string
	loud bool
}

func (*greeting) Kind() trace.Kind { return "greeting" }
func (g *greeting) Schema(s *trace.Schema) {
	s.Str("to", &g.to)
	s.OptBool("loud", &g.loud)
}

func TestABodyIsWrittenAsItsFieldsAndShownAsItIs(t *testing.T) {
	var bodies, fields bytes.Buffer
	var seen []trace.Event
	for _, typed := range []bool{true, false} {
		out := &fields
		if typed {
			out = &bodies
		}
		r, err := trace.NewRecorder(out, header())
		require.NoError(t, err)
		r.Watch(func(e trace.Event) { seen = append(seen, e) })
		for i, g := range []*greeting{{to: "n2", loud: true}, {to: "n3"}} {
			if typed {
				r.Record(time.Duration(i), "n1", 2, g)
			} else {
				r.Emit(trace.Event{At: time.Duration(i), Node: "n1", Incarnation: 2, Kind: "greeting", Fields: trace.FieldsOf(g)})
			}
		}
		_, err = r.Close(trace.Verdict{Passed: true})
		require.NoError(t, err)
	}
	require.Equal(t, fields.String(), bodies.String())
	require.Len(t, seen, 4)
	require.Equal(t, &greeting{"n2", true}, seen[0].Body)
	require.Nil(t, seen[0].Fields)
	require.Nil(t, seen[2].Body)
	require.Equal(t, []trace.Field{trace.Str("to", "n2"), trace.Bool("loud", true)}, seen[2].Fields)
	require.Equal(t, []trace.Field{trace.Str("to", "n3")}, seen[3].Fields, "the first event's fields are its own")
	(*trace.Recorder)(nil).Record(0, "", 0, &greeting{})
}

func TestManyGoroutinesMayEmit(t *testing.T) {
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, header())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				r.Emit(trace.Event{Node: fmt.Sprint("n", g), Kind: trace.Applied, Fields: []trace.Field{trace.Int("i", int64(i))}})
			}
		})
	}
	wg.Wait()
	f, err := r.Close(passed)
	require.NoError(t, err)
	require.Equal(t, 4000, f.Events)
	got, err := trace.Read(&b)
	require.NoError(t, err)
	require.Len(t, got.Events, 4000)
}

func TestFilesAreWrittenWholeAndCompressedByName(t *testing.T) {
	data, footer := record(t, passed, events...)
	dir := t.TempDir()
	for _, name := range []string{"a.trace.jsonl", "a.trace.jsonl.zst"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
		require.NoError(t, trace.WriteFile(path, data))
		got, err := trace.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, footer, got.Footer)
	}
	compressed, err := os.ReadFile(filepath.Join(dir, "a.trace.jsonl.zst"))
	require.NoError(t, err)
	require.Equal(t, []byte{0x28, 0xb5, 0x2f, 0xfd}, compressed[:4])
	for i := range compressed {
		_, err := trace.Read(bytes.NewReader(compressed[:i]))
		require.ErrorContains(t, err, "trace: line ", "cut at %d", i)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "temporary files are left")

	require.Error(t, trace.WriteFile(filepath.Join(dir, "no", "a.jsonl"), data))
	_, err = trace.ReadFile(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzRead(f *testing.F) {
	data, _ := record(f, violated(), events...)
	f.Add(data)
	lines := bytes.SplitAfter(data, []byte("\n"))
	f.Add(bytes.Join(lines[1:5], nil))
	whole := func(body []byte) []byte { return append(bytes.Clone(lines[0]), body...) }
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, in := range [][]byte{data, whole(data)} {
			got, err := trace.Read(bytes.NewReader(in))
			if err != nil {
				if !strings.HasPrefix(err.Error(), "trace: line ") {
					t.Fatalf("the error names no line: %v", err)
				}
				continue
			}
			var b bytes.Buffer
			r, err := trace.NewRecorder(&b, got.Header)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range got.Events {
				r.Emit(e)
			}
			if _, err := r.Close(got.Footer.Verdict); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(in, b.Bytes()) && in[0] == '{' { // not so when compressed
				t.Fatalf("read and recorded again, the trace is another one:\n%s\n%s", in, b.Bytes())
			}
		}
	})
}

func BenchmarkEmit(b *testing.B) {
	r, err := trace.NewRecorder(io.Discard, header())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		r.Emit(trace.Event{At: 1, Node: "n1", Incarnation: 1, Kind: trace.MessageSent, Fields: []trace.Field{
			trace.Str("to", "n2"), trace.Str("msg", "append"), trace.Uint("id", 123456789012), trace.Uint("n", 17),
			trace.Uint("term", 2), trace.Uint("prev", 1000), trace.Int("entries", 0), trace.Uint("commit", 1000), trace.Dur("arrives", 12345678901),
		}})
	}
}

func TestARecorderThatSpillsHoldsNothingBack(t *testing.T) {
	e := trace.Event{At: time.Second, Kind: trace.RunEnded}
	want, _ := record(t, trace.Verdict{Passed: true}, e, e)
	var out, spilt bytes.Buffer
	rec, err := trace.NewRecorder(&out, header())
	require.NoError(t, err)
	rec.Spill(&spilt)
	for n := range 3 {
		require.Equal(t, 1+n, bytes.Count(spilt.Bytes(), []byte("\n")), "the header and every event so far")
		require.True(t, bytes.HasPrefix(want, spilt.Bytes()))
		reader, err := trace.NewReader(bytes.NewReader(spilt.Bytes()))
		require.NoError(t, err)
		for err == nil {
			_, err = reader.Next()
		}
		require.ErrorIs(t, err, trace.ErrCutOff)
		if n < 2 {
			rec.Emit(e)
		}
	}
	_, err = rec.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
}
