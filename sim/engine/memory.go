package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// residentBytes returns how much memory a process occupies, 0 when it cannot be
// told (because the process has ended, for example).
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
