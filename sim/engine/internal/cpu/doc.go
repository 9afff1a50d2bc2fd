// Package cpu says how much processor time this process has used.
package cpu
