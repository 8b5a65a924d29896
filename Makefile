# The commands that people type. Everything else is a script that says what it does with --help or in its first lines.

.PHONY: build unit test format bench

## Build the program, with what it needs.
build:
	./samples/tools/install build
	swift build -c release --product dray

## Run the unit tests: no processes, no network, under a minute once they are built.
unit:
	swift test -c release --filter UnitTests

## Install the test peers and pass every test.
test:
	./Tests/run

## Bring all Swift into one form.
format:
	swift format --in-place --recursive --parallel Sources Tests samples/library Package.swift

## Measure against the peers, side by side.
bench:
	./samples/bench
