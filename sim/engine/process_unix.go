//go:build unix

package engine

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process that cmd starts into a process group of its own, so
// that a signal of the terminal does not reach it before its engine.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
}

// killGroup ends the process and all it started.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
