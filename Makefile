# make        build the command and run the tests
# make test-long  what go test ./... leaves out, because it takes minutes: tests of the command, of
#                 mutants, of the engines and of the model checker, and more runs of every scenario
# make nightly  every pair of flags, every log of three commands and many random ones in the model checker
# make published  the task manager that Weaviate publishes, in two versions, and FINDINGS.md about it
# make race   the shipped packages, and a guest, under the race detector
# make lint   formatting, go vet, staticcheck
# make bench  what things cost
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build test test-long nightly published race lint bench

all: build test

build:
	go build -o bin/dtsim ./cmd/dtsim

test:
	go test ./...

test-long:
	DTSIM_LONG=1 go test -timeout 60m ./cmd/dtsim ./scenarios ./scenarios/mutation ./sim/engine ./models/explore/...

nightly:
	go run ./cmd/dtsim check --pairs
	go run ./cmd/dtsim check --random-logs 100000
	go run ./cmd/dtsim check --config logs-2
	go run ./cmd/dtsim check --config logs-3

published:
	cd scenarios/weaviate && DTSIM_LONG=1 go test ./findings && go run ./findings

race:
	go test -race ./fsm/... ./sched/...
	go test -race -run Raced ./sim/engine

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

bench:
	go test -run '^$$' -bench . -benchtime 1s ./fsm ./cmd/dtsim ./models/explore/...
	models/explore/testdata/spin/compare.sh
