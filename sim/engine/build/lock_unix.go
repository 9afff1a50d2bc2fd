//go:build unix

package build

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of f unless another process has it. Closing f gives it
// back, and so does the end of the process.
func tryLock(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, syscall.EINTR):
		default:
			return false, err
		}
	}
}
