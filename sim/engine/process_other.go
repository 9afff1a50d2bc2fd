//go:build !unix

package engine

import "os/exec"

// ownGroup does nothing: there are no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup ends the process.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// askForDump does nothing: there is no signal for it.
func askForDump(*exec.Cmd) {}
