package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type service struct {
	log     *slog.Logger
	faults  *faults
	inputs  *inputs
	metrics *metrics
	started time.Time
}

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests to the application, by method and status code.",
		}, []string{"method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request to the application.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .5, .75, 1, 2.5, 5, 10},
		}, []string{"method", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "Requests to the application being answered now.",
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "web_build_info", Help: "Always 1; the labels tell the build.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", s.observed(s.root))
	return mux
}

func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	if s.faults.unhealthy(time.Since(s.started)) {
		http.Error(w, "unhealthy as told", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}

func (s *service) root(w http.ResponseWriter, r *http.Request) int {
	if r.URL.Path != "/" {
		return answer(w, http.StatusNotFound, map[string]string{"error": "there is only /"})
	}
	now, err := s.faults.asked(r.URL.Query())
	if err != nil {
		return answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	}
	burn(now.cpu)
	wait(r, now.delay)
	if happens(s.faults.logErrors) {
		s.log.Error("an error is logged as told", "path", r.URL.Path)
	}
	if happens(now.fail) {
		return answer(w, http.StatusInternalServerError, map[string]string{"error": "failing as told"})
	}
	greeting, digest := s.inputs.shown()
	host, _ := os.Hostname()
	if node := os.Getenv("NODE_NAME"); node != "" {
		host = node
	}
	return answer(w, http.StatusOK, map[string]string{
		"version":       version,
		"release":       os.Getenv("RELEASE"),
		"alloc":         os.Getenv("NOMAD_ALLOC_ID"),
		"host":          host,
		"greeting":      greeting,
		"secret_digest": digest,
	})
}

// observed counts, times and logs what a handler answers.
func (s *service) observed(handle func(http.ResponseWriter, *http.Request) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		begun := time.Now()
		status := handle(w, r)
		took := time.Since(begun)
		labels := prometheus.Labels{"method": method(r), "code": strconv.Itoa(status)}
		s.metrics.requests.With(labels).Inc()
		s.metrics.duration.With(labels).Observe(took.Seconds())
		s.log.Info("request", "method", method(r), "path", r.URL.Path, "status", status,
			"duration_ms", float64(took.Microseconds())/1000)
	})
}

func (s *service) rereadOn(hangups <-chan os.Signal) {
	for range hangups {
		if err := s.inputs.read(); err != nil {
			s.log.Error("inputs are not read, those before stay in force", "error", err.Error())
			continue
		}
		s.log.Info("inputs are read again")
	}
}

func answer(w http.ResponseWriter, status int, body map[string]string) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
	return status
}

// method keeps strangers from making up label values.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

func wait(r *http.Request, duration time.Duration) {
	if duration == 0 {
		return
	}
	select {
	case <-time.After(duration):
	case <-r.Context().Done():
	}
}
