package history_test

import (
	"encoding/json"
	"fmt"

	"dtsim/models/history"
)

// A task is added, and a list that is called after the answer does not show it: no order of
// the operations that keeps to real time explains that.
func Example() {
	h := &history.History{Ops: []history.Op{
		{
			Client: "a", Kind: history.Add, Args: json.RawMessage(`{"namespace":"reindex","id":"books","unit_ids":["shard-1"]}`),
			Call: 1, Return: 2, Outcome: history.OK, Verdict: "ok", Index: 1,
		},
		{Client: "b", Kind: history.List, Call: 3, Return: 4, Outcome: history.OK},
	}}
	stale, err := history.Judge(h, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("after the answer:", stale.Verdict())

	h.Ops[1].Call = 1 // the list and the addition are concurrent
	concurrent, err := history.Judge(h, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("concurrently:", concurrent.Verdict())
	// Output:
	// after the answer: illegal
	// concurrently: ok
}
