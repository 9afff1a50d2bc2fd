//go:build unix

package bubble

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// rawFile returns a writer to a file that does not tell the scheduler of it: during an
// ordinary call of the system other goroutines may run, and their order would depend on
// how long it takes. f must stay open and reachable.
func rawFile(f *os.File) io.Writer { return rawWriter(f.Fd()) }

type rawWriter uintptr

func (fd rawWriter) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[written])), uintptr(len(b)-written))
		switch errno {
		case 0:
			written += int(n)
		case syscall.EINTR, syscall.EAGAIN:
		default:
			return written, errno
		}
	}
	return written, nil
}
