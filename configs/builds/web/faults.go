package main

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"time"
)

// What a request may ask for at most, so that a stranger cannot hold the service for long.
const (
	maxDelay = 30 * time.Second
	maxCPU   = 5 * time.Second
)

// request is how one request is made to misbehave.
type request struct {
	fail       float64 // share of requests answered with 500
	delay, cpu time.Duration
}

// faults are what a version of the job was told to do wrong, by its environment:
//
//	FAULT_ERROR_RATE=0.05   that share of requests is answered with 500
//	FAULT_DELAY=200ms       every request takes that much longer
//	FAULT_CPU=50ms          every request computes for that long
//	FAULT_LOG_ERRORS=0.1    that share of requests logs an error, though it is answered well
//	FAULT_CHECK=10s         the health check fails from that age on; 0s: from the start
//	FAULT_CRASH=10s         the process ends with status 3 at that age; 0s: at the start
//	FAULT_LEAK=4            it keeps that many MiB more each second
type faults struct {
	request
	logErrors    float64
	check, crash *time.Duration
	leak         int
}

func faultsFrom(env func(string) string) (*faults, error) {
	var given faults
	var problems []error
	problem := func(name, what string) {
		problems = append(problems, fmt.Errorf("%s=%q: use %s", name, env(name), what))
	}
	share := func(name string, into *float64) {
		if text := env(name); text != "" && !parseShare(text, into) {
			problem(name, "a share such as 0.05")
		}
	}
	duration := func(name string) *time.Duration {
		text := env(name)
		if text == "" {
			return nil
		}
		parsed, err := time.ParseDuration(text)
		if err != nil || parsed < 0 {
			problem(name, "a duration such as 200ms")
		}
		return &parsed
	}
	share("FAULT_ERROR_RATE", &given.fail)
	share("FAULT_LOG_ERRORS", &given.logErrors)
	given.delay, given.cpu = value(duration("FAULT_DELAY")), value(duration("FAULT_CPU"))
	given.check, given.crash = duration("FAULT_CHECK"), duration("FAULT_CRASH")
	if text := env("FAULT_LEAK"); text != "" {
		var err error
		if given.leak, err = strconv.Atoi(text); err != nil || given.leak < 0 {
			problem("FAULT_LEAK", "MiB a second such as 4")
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("the environment is not valid: %v", problems)
	}
	return &given, nil
}

// asked adds what a request asks for itself: ?fail=0.05&delay=200ms&cpu=50ms
func (f *faults) asked(query url.Values) (request, error) {
	now := f.request
	if text := query.Get("fail"); text != "" && !parseShare(text, &now.fail) {
		return now, fmt.Errorf("fail=%q: use a share such as 0.05", text)
	}
	for name, bound := range map[string]struct {
		into *time.Duration
		most time.Duration
	}{"delay": {&now.delay, maxDelay}, "cpu": {&now.cpu, maxCPU}} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		parsed, err := time.ParseDuration(text)
		if err != nil || parsed < 0 || parsed > bound.most {
			return now, fmt.Errorf("%s=%q: use a duration up to %s", name, text, bound.most)
		}
		*bound.into += parsed
	}
	return now, nil
}

// background crashes and leaks, when told to.
func (f *faults) background(log *slog.Logger) {
	if f.crash != nil {
		time.AfterFunc(*f.crash, func() {
			log.Error("crashing as told", "after", f.crash.String())
			os.Exit(3)
		})
	}
	var kept [][]byte
	for range time.Tick(time.Second) {
		if f.leak == 0 {
			return
		}
		kept = append(kept, touched(f.leak<<20))
		log.Warn("leaking as told", "mib", len(kept)*f.leak)
	}
}

// touched is memory that is really there: a page that was never written costs nothing.
func touched(size int) []byte {
	memory := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		memory[i] = 1
	}
	return memory
}

func (f *faults) unhealthy(age time.Duration) bool {
	return f.check != nil && age >= *f.check
}

// burn computes for a time, on one core.
func burn(duration time.Duration) {
	sum := sha256.Sum256(nil)
	for end := time.Now().Add(duration); time.Now().Before(end); {
		sum = sha256.Sum256(sum[:])
	}
}

func happens(share float64) bool {
	return share > 0 && rand.Float64() < share
}

func parseShare(text string, into *float64) bool {
	share, err := strconv.ParseFloat(text, 64)
	*into = share
	return err == nil && share >= 0 && share <= 1
}

func value(duration *time.Duration) time.Duration {
	if duration == nil {
		return 0
	}
	return *duration
}
