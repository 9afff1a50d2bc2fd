package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// endWithParent lets the kernel end the process when its engine's dies, even
// while it does not read its input.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// askForDump makes a Go process print the stacks of all its goroutines and end.
// The stack of a goroutine that runs is printed only when its own thread gets the
// signal, so that goes to the busiest one.
func askForDump(cmd *exec.Cmd) {
	pid := cmd.Process.Pid
	target, most := pid, uint64(0)
	// Failing to look is not fatal: any thread prints nearly everything.
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		used, _, state := ticks(stat)
		tid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil && state == "R" && used >= most {
			target, most = tid, used
		}
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(pid), uintptr(target), uintptr(syscall.SIGQUIT))
}
