// Command yaml answers how Kubernetes' own library reads and writes YAML.
//
// Every line of the input is a JSON object: {"read": TEXT} or {"write": DATA}. Every line of the output is the answer:
// {"data": DATA} or {"text": TEXT} or {"error": MESSAGE}.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"sigs.k8s.io/yaml"
)

type question struct {
	Read  *string         `json:"read"`
	Write json.RawMessage `json:"write"`
}

type answer struct {
	Data  json.RawMessage `json:"data,omitempty"`
	Text  *string         `json:"text,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	for decoder.More() {
		var q question
		if err := decoder.Decode(&q); err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(reply(q)); err != nil {
			log.Fatal(err)
		}
	}
}

func reply(q question) (a answer) {
	// The emitter of go-yaml v2 panics on some texts.
	defer func() {
		if problem := recover(); problem != nil {
			a = answer{Error: "panic"}
		}
	}()
	if q.Read != nil {
		data, err := yaml.YAMLToJSON([]byte(*q.Read))
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Data: data}
	}
	var data any
	if err := json.Unmarshal(q.Write, &data); err != nil {
		return answer{Error: err.Error()}
	}
	text, err := yaml.Marshal(data)
	if err != nil {
		return answer{Error: err.Error()}
	}
	written := string(text)
	return answer{Text: &written}
}
