package coverage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatWasNeverTriedComesFirst(t *testing.T) {
	possible := []Possibility{
		{Part: "call", Of: "add", Case: "ok"}, {Part: "call", Of: "add", Case: "lost"}, {Part: "call", Of: "add", Case: "rare", Accepted: "a reason"},
		{Part: "call", Of: "drop", Case: "ok"}, {Part: "option", Of: "nodes", Case: "3"}, {Part: "option", Of: "nodes", Case: "9", Accepted: "a reason"},
	}
	a := NewAccount(map[string]int64{"tried/call/add/ok": 7, "tried/option/nodes/3": 2, "tried/option/nodes/9": 1, "tried/call/add/with/slash": 2},
		Catalog{Possible: possible})
	var order []string
	for _, one := range a.Tried {
		order = append(order, one.String())
	}
	require.Equal(t, []string{
		"call drop: ok", // no case of it was tried
		"call add: lost",
		"call add: rare", // need not be
		"option nodes: 9", "option nodes: 3", "call add: with/slash", "call add: ok",
	}, order)
	require.Len(t, a.Untried(), 2)
	require.True(t, a.Tried[5].Unforeseen)
	require.Empty(t, NewAccount(nil, Catalog{}).Untried())
}
