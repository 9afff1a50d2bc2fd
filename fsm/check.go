package fsm

import (
	"encoding/json"
	"time"

	"dtsim/fsm/api"
)

// Instants of commands lie in the years that JSON timestamps can express.
var (
	minMillis = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxMillis = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// decode reads the sub-command of c. What is wrong with the bytes is wrong for
// ever, so the rejection is permanent (P15).
func decode[T any](c *api.ApplyRequest) (*T, error) {
	request := new(T)
	if c == nil {
		return nil, invalid("unmarshal %T: there is no command", *request)
	}
	if err := json.Unmarshal(c.SubCommand, request); err != nil {
		return nil, invalid("unmarshal %T: %s", *request, err)
	}
	return request, nil
}

// check collects the first thing that is wrong with a command, whatever the state.
type check struct {
	err error
}

func (c *check) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = invalid(format, args...)
	}
}

// present requires a value; what names it in messages.
func (c *check) present(what, value string) {
	if value == "" {
		c.refuse("missing %s", what)
	}
}

// task requires the names that identify a task.
func (c *check) task(namespace, id string) {
	c.present("namespace", namespace)
	c.present("task id", id)
}

// instant converts the proposer's milliseconds. It returns UTC: a local zone
// would be in the snapshot and differ between replicas (P1).
func (c *check) instant(millis int64) time.Time {
	if millis < minMillis || millis > maxMillis {
		c.refuse("time of %d unix milliseconds is outside of the years 0 to 9999", millis)
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}
