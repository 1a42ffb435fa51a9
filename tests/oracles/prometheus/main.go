// Command prometheus serves the API, the engine and the database of Prometheus itself on loopback, a database for each
// name, filled with series that a test describes.
//
// It prints its address and ends with its standard input. `POST /NAME/-/load?end=SECONDS&step=SECONDS` takes a series a
// line, as Prometheus' own tests write them (`metric{label="value"} 0+10x60 _x5 stale`); the last sample lies at `end`.
// `/NAME/api/v1/…` is the API over what was loaded there. Names that begin with `private` want the bearer token "secret",
// those with `silent` never answer, those with `moved` lead elsewhere.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	grafana "github.com/grafana/regexp"
)

// One is a database and its API.
type one struct {
	db  *tsdb.DB
	api http.Handler
}

type all struct {
	sync.Mutex
	folder string
	named  map[string]*one
	parser parser.Parser
	logger *slog.Logger
}

var name = regexp.MustCompile(`^[a-z0-9-]+$`)

func main() {
	folder, err := os.MkdirTemp("", "refit-prometheus-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := &all{
		folder: folder,
		named:  map[string]*one{},
		parser: parser.NewParser(parser.Options{}),
		logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	go func() { log.Fatal(http.Serve(listener, served)) }()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func (a *all) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !name.MatchString(first) {
		http.NotFound(w, r)
		return
	}
	found, err := a.open(first)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if rest == "-/load" {
		if err := a.load(found.db, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		return
	}
	switch {
	case strings.HasPrefix(first, "private") && r.Header.Get("Authorization") != "Bearer secret":
		http.Error(w, "who are you?\x1b[31m", http.StatusUnauthorized)
	case strings.HasPrefix(first, "silent"):
		<-r.Context().Done()
	case strings.HasPrefix(first, "moved"):
		http.Redirect(w, r, "/elsewhere/"+rest, http.StatusTemporaryRedirect)
	default:
		found.api.ServeHTTP(w, r)
	}
}

func (a *all) open(name string) (*one, error) {
	a.Lock()
	defer a.Unlock()
	if found, there := a.named[name]; there {
		return found, nil
	}
	db, err := tsdb.Open(filepath.Join(a.folder, name), a.logger, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return nil, err
	}
	engine := promql.NewEngine(promql.EngineOpts{
		Logger:               a.logger,
		MaxSamples:           50_000_000,
		Timeout:              2 * time.Minute,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               a.parser,
	})
	api := v1.NewAPI(
		engine, db, nil, nil, nil,
		func(context.Context) v1.ScrapePoolsRetriever { return nil },
		func(context.Context) v1.TargetRetriever { return nil },
		func(context.Context) v1.AlertmanagerRetriever { return nil },
		func() config.Config { return config.Config{} },
		map[string]string{}, v1.GlobalURLOptions{},
		func(handler http.HandlerFunc) http.HandlerFunc { return handler },
		nil, "", false, false, 0, a.logger,
		func(context.Context) v1.RulesRetriever { return nil },
		0, 0, 0, false, grafana.MustCompile("^$"),
		func() (v1.RuntimeInfo, error) { return v1.RuntimeInfo{}, nil },
		&v1.PrometheusVersion{}, nil, nil,
		prometheus.NewRegistry(), prometheus.NewRegistry(), nil,
		false, nil, false, false, false, false, 5*time.Minute, false, false,
		nil, nil, v1.OpenAPIOptions{}, a.parser,
	)
	router := route.New()
	api.Register(router.WithPrefix("/" + name + "/api/v1"))
	a.named[name] = &one{db: db, api: router}
	return a.named[name], nil
}

// load appends series whose last samples lie at the time that is asked for.
func (a *all) load(db *tsdb.DB, r *http.Request) error {
	number := func(name string) (int64, error) {
		return strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
	}
	end, err := number("end")
	if err != nil {
		return err
	}
	step, err := number("step")
	if err != nil {
		return err
	}
	appender := db.Appender(r.Context())
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		labels, values, err := a.parser.ParseSeriesDesc(lines.Text())
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		for index, value := range values {
			if value.Omitted {
				continue
			}
			at := (end - step*int64(len(values)-1-index)) * 1000
			if _, err := appender.Append(0, labels, at, value.Value); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return appender.Commit()
}
