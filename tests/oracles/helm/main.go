// Command helm answers what Helm's own library renders from a chart.
//
// Every line of the input is a question, every line of the output its answer; see the types. All numbers in values are
// read as floats, as from a values file.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"os"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

type question struct {
	// Text by path in the chart's folder.
	Files       map[string]string      `json:"files"`
	Values      map[string]interface{} `json:"values"`
	Name        string                 `json:"name"`
	Namespace   string                 `json:"namespace"`
	Upgrade     bool                   `json:"upgrade"`
	KubeVersion string                 `json:"kubeVersion"`
	APIVersions []string               `json:"apiVersions"`
}

type answer struct {
	// Text by path of the template.
	Files map[string]string `json:"files,omitempty"`
	Error string            `json:"error,omitempty"`
}

func main() {
	log.SetOutput(io.Discard)
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	buffered := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	for in.More() {
		var q question
		if err := in.Decode(&q); err != nil {
			panic(err)
		}
		files, err := render(q)
		a := answer{Files: files}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			panic(err)
		}
		if err := buffered.Flush(); err != nil {
			panic(err)
		}
	}
}

func render(q question) (map[string]string, error) {
	var files []*loader.BufferedFile
	for name, text := range q.Files {
		files = append(files, &loader.BufferedFile{Name: name, Data: []byte(text)})
	}
	chart, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	version, err := chartutil.ParseKubeVersion(q.KubeVersion)
	if err != nil {
		return nil, err
	}
	capabilities.KubeVersion = *version
	capabilities.APIVersions = q.APIVersions
	if q.Values == nil {
		q.Values = map[string]interface{}{}
	}
	if err := chartutil.ProcessDependencies(chart, q.Values); err != nil {
		return nil, err
	}
	options := chartutil.ReleaseOptions{Name: q.Name, Namespace: q.Namespace, IsUpgrade: q.Upgrade, IsInstall: !q.Upgrade, Revision: 1}
	values, err := chartutil.ToRenderValues(chart, q.Values, options, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, values)
}
