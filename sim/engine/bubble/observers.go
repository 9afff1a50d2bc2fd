package bubble

import _ "unsafe" // for go:linkname

// observers is how many observers hashicorp/raft has made in this process: it numbers them. A raft
// instance calls its observers in the order of a map with these numbers as keys, which is a function
// of the seeded runtime and the numbers. It is a variable of its own where that library is not linked in.
//
//go:linkname observers github.com/hashicorp/raft.nextObserverID
var observers uint64
