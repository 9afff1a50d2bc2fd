package engine

import "syscall"

// endWithParent lets the kernel end the process when its engine's dies, even
// while it does not read its input.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
