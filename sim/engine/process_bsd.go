//go:build unix && !linux

package engine

import "syscall"

// endWithParent does nothing: the process ends when it next reads its input.
func endWithParent(*syscall.SysProcAttr) {}
