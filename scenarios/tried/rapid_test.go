package tried_test

// Every test of the repository knows the flags of rapid, so that
// go test ./... -rapid.seed=N is understood everywhere.
import _ "pgregory.net/rapid"
