package export

import _ "pgregory.net/rapid" // go test ./... -rapid.seed=N reaches every package
