// Command registry serves the registry of go-containerregistry on loopback, with what other registries do to those who
// ask: it wants tokens, it limits, it refuses.
//
// It prints its address, and holds an image for each argument (REPOSITORY:TAG). The first element of a repository says
// how it is served: `open` as it is, `token` to holders of an anonymous token, `private` to "somebody" with the password
// "secret" (basic credentials), `account` to holders of a token that only they are given, `limited` to nobody for now,
// `broken` never. It ends with its standard input.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := listener.Addr().String()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	filling := true
	handler := func(w http.ResponseWriter, r *http.Request) {
		if filling {
			images.ServeHTTP(w, r)
			return
		}
		guarded(address, images, w, r)
	}
	go func() { log.Fatal(http.Serve(listener, http.HandlerFunc(handler))) }()
	for _, image := range os.Args[1:] {
		reference, err := name.ParseReference(address + "/" + image)
		if err != nil {
			log.Fatal(err)
		}
		content, err := random.Image(16, 1)
		if err != nil {
			log.Fatal(err)
		}
		if err := remote.Write(reference, content); err != nil {
			log.Fatal(err)
		}
	}
	filling = false
	fmt.Println(address)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func guarded(address string, images http.Handler, w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	known := user == "somebody" && password == "secret"
	if r.URL.Path == "/token" {
		token := "anonymous"
		if known {
			token = "known"
		}
		// The token is good for the repository that was asked for, and for no other.
		fmt.Fprintf(w, `{"token": "%s %s"}`, token, r.URL.Query().Get("scope"))
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	repository, _, _ := strings.Cut(path, "/manifests/")
	scope := "repository:" + repository + ":pull"
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	way, _, _ := strings.Cut(path, "/")
	wants := ""
	switch way {
	case "token":
		if bearer != "anonymous "+scope && bearer != "known "+scope {
			wants = `Bearer realm="http://` + address + `/token",service="here",scope="` + scope + `"`
		}
	case "account":
		if bearer != "known "+scope {
			wants = `Bearer realm="http://` + address + `/token",service="here",scope="` + scope + `"`
		}
	case "private":
		if !known {
			wants = `Basic realm="here"`
		}
	case "limited":
		w.Header().Set("ratelimit-limit", "100;w=21600")
		w.Header().Set("ratelimit-remaining", "0;w=21600")
		w.Header().Set("retry-after", "3600")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
		return
	case "broken":
		http.Error(w, "not today", http.StatusServiceUnavailable)
		return
	}
	if wants != "" {
		w.Header().Set("www-authenticate", wants)
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	if way == "open" {
		w.Header().Set("ratelimit-remaining", "98;w=21600")
	}
	images.ServeHTTP(w, r)
}
