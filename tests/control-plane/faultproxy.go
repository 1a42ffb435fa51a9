package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// faultProxy stands between a client and the API server and does to requests what networks and busy servers do: answers
// of its own (409, 429, 500), connections that end before or after the server did its work, answers that are cut or late,
// watches that end.  Which request meets what is drawn from a seed.
//
//	testplane proxy --kubeconfig FILE --seed 7 --rate 0.2     prints {"server": "http://127.0.0.1:…"}; ends with its stdin
//
// Credentials go through; the client speaks plain HTTP.
type faultProxy struct {
	server *url.URL
	rate   float64
	mu     sync.Mutex
	random *rand.Rand
	count  map[string]int
}

func runProxy(args []string) (int, error) {
	fs := flag.NewFlagSet("testplane proxy", flag.ContinueOnError)
	kubeconfig := fs.String("kubeconfig", "", "file that leads to the API server")
	seed := fs.Int64("seed", 1, "what the faults are drawn from")
	rate := fs.Float64("rate", 0.2, "share of requests that meet a fault")
	if err := fs.Parse(args); err != nil {
		return 2, err
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return 1, err
	}
	// The client's own credentials are what counts.
	transport, err := rest.TransportFor(&rest.Config{Host: cfg.Host, TLSClientConfig: rest.TLSClientConfig{
		CAData: cfg.CAData, CAFile: cfg.CAFile}})
	if err != nil {
		return 1, err
	}
	server, err := url.Parse(cfg.Host)
	if err != nil {
		return 1, err
	}
	p := &faultProxy{server: server, rate: *rate, random: rand.New(rand.NewSource(*seed)), count: map[string]int{}}
	reverse := httputil.NewSingleHostReverseProxy(server)
	reverse.Transport = transport
	reverse.FlushInterval = -1
	reverse.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	go func() {
		_ = (&http.Server{Handler: p.handler(reverse), ReadHeaderTimeout: time.Minute}).Serve(listener)
	}()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"server": "http://" + listener.Addr().String()}); err != nil {
		return 1, err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(p.count)
	return 0, nil
}

// draw returns the fault of one request and how late its answer is.
func (p *faultProxy) draw(r *http.Request) (string, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Drawn always, so that a fault does not shift all that come after.
	fault, which, late := p.random.Float64(), p.random.Intn(6), time.Duration(p.random.Intn(200))*time.Millisecond
	if fault >= p.rate {
		return "", 0
	}
	writes := r.Method == http.MethodPatch || r.Method == http.MethodPut
	name := []string{"busy", "error", "reset", "lost", "late", "conflict"}[which]
	if name == "conflict" && !writes {
		name = "cut"
	}
	p.count[name]++
	return name, late
}

func (p *faultProxy) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, late := p.draw(r)
		watch := r.URL.Query().Get("watch") == "true" || r.URL.Query().Get("watch") == "1"
		switch fault {
		case "busy":
			w.Header().Set("Retry-After", "0")
			status(w, http.StatusTooManyRequests, "TooManyRequests", "the fault proxy is busy")
		case "error":
			status(w, http.StatusInternalServerError, "InternalError", "the fault proxy has an error")
		case "conflict":
			status(w, http.StatusConflict, "Conflict", "the object has been modified; please apply your changes to the latest version and try again")
		case "reset":
			hangUp(w)
		case "lost":
			// The server does its work, and nobody hears of it.
			if !watch {
				next.ServeHTTP(discard{header: http.Header{}}, r)
			}
			hangUp(w)
		case "cut":
			if watch {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintln(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","code":410,"reason":"Expired","message":"too old resource version"}}`)
				return
			}
			next.ServeHTTP(&half{ResponseWriter: w}, r)
		default:
			time.Sleep(late)
			next.ServeHTTP(w, r)
		}
	})
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"code": code, "reason": reason, "message": message})
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// half lets half of the first piece of an answer through, then hangs up.
type half struct {
	http.ResponseWriter
	done bool
}

func (h *half) Write(b []byte) (int, error) {
	if h.done {
		return 0, errors.New("cut")
	}
	h.done = true
	if strings.Contains(h.Header().Get("Content-Type"), "json") && len(b) > 1 {
		_, _ = h.ResponseWriter.Write(b[:len(b)/2])
	}
	_ = http.NewResponseController(h.ResponseWriter).Flush()
	hangUp(h.ResponseWriter)
	return 0, errors.New("cut")
}

// FlushError keeps the proxy's flushes from a connection that is gone.
func (h *half) FlushError() error {
	if h.done {
		return errors.New("cut")
	}
	return http.NewResponseController(h.ResponseWriter).Flush()
}
