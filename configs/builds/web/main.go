// Program web is the sample service: it greets, shows what Consul and Vault gave it, and can be told to misbehave.
//
// It serves / (JSON), /health and /metrics on NOMAD_PORT_http, writes one JSON line a request to stdout, reads its
// settings and its secret from files that Nomad renders, and reads them again on SIGHUP.
//
// `web image PATH` writes a container image of itself.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const version = "0.2.0"

// drain is how long requests in flight may take after SIGTERM; the job's kill_timeout is longer.
const drain = 10 * time.Second

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("alloc", os.Getenv("NOMAD_ALLOC_ID"))
	if len(os.Args) == 3 && os.Args[1] == "image" {
		if err := writeImage(os.Args[2]); err != nil {
			log.Error("no image", "error", err.Error())
			os.Exit(1)
		}
		return
	}
	if err := run(log); err != nil {
		log.Error("ended", "error", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	faults, err := faultsFrom(os.Getenv)
	if err != nil {
		return err
	}
	service := &service{log: log, faults: faults, inputs: &inputs{}, metrics: newMetrics(), started: time.Now()}
	if err := service.inputs.read(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go service.rereadOn(hangups())
	go faults.background(log)
	return serve(ctx, log, service.handler())
}

func serve(ctx context.Context, log *slog.Logger, handler http.Handler) error {
	listener, err := net.Listen("tcp", ":"+port())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	log.Info("serving", "address", listener.Addr().String(), "version", version)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Info("draining", "at_most", drain.String())
	bounded, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		return errors.Join(errors.New("requests were cut off"), err)
	}
	log.Info("drained")
	return nil
}

func hangups() <-chan os.Signal {
	channel := make(chan os.Signal, 1)
	signal.Notify(channel, syscall.SIGHUP)
	return channel
}

func port() string {
	if port := os.Getenv("NOMAD_PORT_http"); port != "" {
		return port
	}
	return "8080"
}
