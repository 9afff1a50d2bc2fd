package sched

// The mocks are generated from .mockery.yml by a pinned generator that is run,
// not required: it never enters go.mod.
//go:generate go run github.com/vektra/mockery/v3@v3.9.0 --config .mockery.yml
