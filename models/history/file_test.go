package history

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileRoundTrip(t *testing.T) {
	h := newSystem(3).run(300, 10)
	var file bytes.Buffer
	require.NoError(t, Write(&file, h))
	require.True(t, IsHistory(file.Bytes()))
	again, err := Read(&file)
	require.NoError(t, err)
	require.Equal(t, h, again)
}

func TestReadRefuses(t *testing.T) {
	const (
		head = `{"history":1}` + "\n"
		list = `{"kind":"list","call":1,"return":2,"outcome":"ok","shows":[{"ns":"n","id":"a","digest":"ff"}]}` + "\n"
		foot = `{"operations":1}` + "\n"
	)
	_, err := Read(strings.NewReader(head + list + foot))
	require.NoError(t, err)
	for name, tc := range map[string]struct{ in, want string }{
		"nothing":                     {"", "the file is empty"},
		"a file without its end":      {head + list, "line 2: the file ends before"},
		"a cut off line":              {head + list[:40], "line 2: unexpected EOF"},
		"another format":              {`{"history":2}`, "line 1: format 2 is unknown"},
		"no header":                   {list + foot, `line 1: json: unknown field "kind"`},
		"a lost operation":            {head + foot, "line 2: there are 0 operations, the last line counts 1"},
		"something after the end":     {head + list + foot + list, "line 4: there is something after the end"},
		"two values on a line":        {head + strings.TrimSpace(list) + list + foot, "line 2: there is something after the value"},
		"an unknown field":            {head + strings.Replace(list, "shows", "shown", 1) + foot, `line 2: json: unknown field "shown"`},
		"an unknown kind":             {head + strings.Replace(list, "list", "lust", 1) + foot, `line 2: kind: there is no operation "lust"`},
		"a return before the call":    {head + strings.Replace(list, `"call":1`, `"call":3`, 1) + foot, "line 2: return: 2 is before the call at 3"},
		"a call before time":          {head + strings.Replace(list, `"call":1`, `"call":0`, 1) + foot, "line 2: call: 0"},
		"an unknown outcome":          {head + strings.Replace(list, `"ok"`, `"well"`, 1) + foot, `line 2: outcome: there is no outcome "well"`},
		"a digest that is none":       {head + strings.Replace(list, `"ff"`, `"xx"`, 1) + foot, `line 2: shows[0].digest: "xx"`},
		"a pending return":            {head + strings.Replace(list, `"ok"`, `"pending"`, 1) + foot, "line 2: return: 2 of a pending operation"},
		"a list in the log":           {head + strings.Replace(list, `"shows"`, `"index":1,"shows"`, 1) + foot, "line 2: kind: a list"},
		"a rejection without verdict": {head + `{"kind":"cancel","args":{},"call":1,"return":2,"outcome":"rejected","index":1}` + "\n" + foot, `line 2: verdict: ""`},
		"an acceptance with another":  {head + `{"kind":"cancel","args":{},"call":1,"return":2,"outcome":"ok","verdict":"retryable"}` + "\n" + foot, `line 2: verdict: "retryable" of an accepted`},
		"no arguments":                {head + `{"kind":"cancel","call":1,"outcome":"pending"}` + "\n" + foot, "line 2: args: missing"},
		"no collection":               {head + `{"kind":"drop-collection","call":1,"outcome":"pending"}` + "\n" + foot, "line 2: collection: missing"},
		"in the log and never":        {head + `{"kind":"cancel","args":{},"call":1,"outcome":"pending","index":1,"never":true}` + "\n" + foot, "line 2: never: the operation has index 1"},
		"applied nowhere":             {head + `{"kind":"cancel","args":{},"call":1,"outcome":"pending","applied_at":1}` + "\n" + foot, "line 2: applied_at: 1 with index 0"},
		"a command that shows":        {head + `{"kind":"cancel","args":{},"call":1,"outcome":"pending","shows":[]}` + "\n" + foot, `line 2: shows: "cancel" shows nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tc.in))
			require.ErrorContains(t, err, "history: ")
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestJudgeAndWriteRefuseWhatReadDoes(t *testing.T) {
	h := &History{Ops: []Op{{Kind: List, Call: 1, Return: 1, Outcome: OK}, {Kind: "lust", Call: 1}}}
	_, err := Judge(h, nil)
	require.EqualError(t, err, `history: ops[1].kind: there is no operation "lust"`)
	require.EqualError(t, Write(&bytes.Buffer{}, h), err.Error())
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"history":1}
{"kind":"cancel","args":{},"call":1,"return":2,"outcome":"rejected","verdict":"retryable","index":1,"applied_at":1}
{"kind":"list","call":1,"return":2,"outcome":"ok","shows":[{"ns":"n","id":"a","digest":"ff"}]}
{"operations":2}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := Read(bytes.NewReader(content))
		if err != nil {
			return
		}
		CommitOrder(h, nil) // the search would take its time over nonsense
		var again bytes.Buffer
		require.NoError(t, Write(&again, h))
	})
}
