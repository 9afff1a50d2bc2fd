package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// residentBytes returns how much memory a process occupies, 0 if the system cannot tell
// (because the process has ended, for example).
func residentBytes(pid int) uint64 {
	if statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		if fields := bytes.Fields(statm); len(fields) > 1 {
			pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
			return pages * uint64(os.Getpagesize())
		}
		return 0
	}
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0
	}
	kilobytes, _ := strconv.ParseUint(string(bytes.TrimSpace(out)), 10, 64)
	return kilobytes << 10
}

// clockTick is the unit of processor time in /proc, on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// cpuTime returns how much processor time a process has used, 0 if the system cannot tell.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	user, system, _ := ticks(stat)
	return time.Duration(user+system) * clockTick
}

// ticks returns the processor time in a stat file of /proc, in clock ticks, and the state.
func ticks(stat []byte) (user, system uint64, state string) {
	// After the command's name in parentheses: state, ..., utime and stime as fields 12, 13.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, 0, ""
	}
	user, _ = strconv.ParseUint(string(fields[11]), 10, 64)
	system, _ = strconv.ParseUint(string(fields[12]), 10, 64)
	return user, system, string(fields[0])
}
