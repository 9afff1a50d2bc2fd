package plan_test

import (
	"fmt"

	"dtsim/sim/plan"
)

// A plan written by hand leaves out what is as usual. What is wrong is reported with its
// place in the document.
func ExampleDecode() {
	p, err := plan.Decode([]byte(`{
  "format": 2, "name": "one crash", "seed": 7, "duration": "60s", "calm": "30s",
  "cluster": {"nodes": 5},
  "faults": [{"kind": "crash", "node": "n2", "at": "10s", "for": "5s"}]
}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Name, p.Cluster.NodeNames(), p.Faults[0].Kind, p.Faults[0].Node)

	_, err = plan.Decode([]byte(`{"format": 2, "cluster": {"nodes": 3, "colour": "red"}}`))
	fmt.Println(err)
	// Output:
	// one crash [n1 n2 n3 n4 n5] crash n2
	// plan: cluster.colour: unknown field; known are nodes, raft, network, disk (line 1, column 39)
}
