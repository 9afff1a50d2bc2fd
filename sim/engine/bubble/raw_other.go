//go:build !unix

package bubble

import (
	"io"
	"os"
)

// rawFile returns f. WebAssembly has one thread, and nothing that an instance could see
// goes on while it writes.
func rawFile(f *os.File) io.Writer { return f }
