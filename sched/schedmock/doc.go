// Package schedmock has testify mocks of interfaces of package sched, for the tests of
// programs that use it. Nothing else imports it but sched/distributedtask, for its
// aliases: production builds of sched contain no mock.
package schedmock

// The mocks are generated from .mockery.yml by a pinned generator that is run,
// not required: it never enters go.mod.
//go:generate go run github.com/vektra/mockery/v3@v3.9.0 --config .mockery.yml
