// Oracle for server-side apply: performs sequences of applies and updates with the library that kube-apiserver uses.
//
// Reads one JSON document a line from standard input and answers each with one line:
//
//	{"schema": {…structured-merge-diff schema…}, "versions": {"g/v1": "typeName"}, "steps": [Step]}
//	{"states": [{"object": …, "managers": […]} | {"error": "…"}]}
//
// A document without a schema is of the schema before it.
//
// A step is {"op": "apply"|"update", "manager", "version", "object", "force"}; a refused step leaves the state as it was.
// Managers are entries of managedFields without times, sorted by identity.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

type step struct {
	Op      string         `json:"op"`
	Manager string         `json:"manager"`
	Version string         `json:"version"`
	Object  map[string]any `json:"object"`
	Force   bool           `json:"force"`
}

type sequence struct {
	Schema   json.RawMessage   `json:"schema"`
	Versions map[string]string `json:"versions"`
	Steps    []step            `json:"steps"`
}

type entry struct {
	Manager    string          `json:"manager"`
	Operation  string          `json:"operation"`
	APIVersion string          `json:"apiVersion"`
	Fields     json.RawMessage `json:"fieldsV1"`
}

type state struct {
	Object   any     `json:"object"`
	Managers []entry `json:"managers"`
	Error    string  `json:"error,omitempty"`
}

// identity names a manager as kube-apiserver does: an applier is the same in every version.
type identity struct {
	Manager, Operation, APIVersion string
}

func (it identity) String() string {
	if it.Operation == "Apply" {
		it.APIVersion = ""
	}
	text, _ := json.Marshal(it)
	return string(text)
}

var errMissing = errors.New("no such version")

// converter renames versions.
type converter struct {
	parser   *typed.Parser
	versions map[string]string
}

func (c converter) typed(object any, version string, opts ...typed.ValidationOptions) (*typed.TypedValue, error) {
	name, ok := c.versions[version]
	if !ok {
		return nil, errMissing
	}
	return c.parser.Type(name).FromUnstructured(object, opts...)
}

func (c converter) Convert(object *typed.TypedValue, version fieldpath.APIVersion) (*typed.TypedValue, error) {
	// The server's own converter cannot convert what is empty either; it never has to.
	fields, _ := clone(object.AsValue().Unstructured()).(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	fields["apiVersion"] = string(version)
	return c.typed(fields, string(version), typed.AllowDuplicates)
}

func (c converter) IsMissingVersionError(err error) bool { return errors.Is(err, errMissing) }

// identityFields belong to nobody.
var identityFields = fieldpath.NewSet(
	fieldpath.MakePathOrDie("apiVersion"), fieldpath.MakePathOrDie("kind"), fieldpath.MakePathOrDie("metadata"),
	fieldpath.MakePathOrDie("metadata", "name"), fieldpath.MakePathOrDie("metadata", "namespace"),
)

func strip(managers fieldpath.ManagedFields, name string) {
	if owned, ok := managers[name]; ok {
		set := owned.Set().Difference(identityFields)
		if set.Empty() {
			delete(managers, name)
		} else {
			managers[name] = fieldpath.NewVersionedSet(set, owned.APIVersion(), owned.Applied())
		}
	}
}

// parser is of the schema that was read last.
var parser *typed.Parser

func run(in sequence) (states []state, err error) {
	if in.Schema != nil {
		if parser, err = typed.NewParser(typed.YAMLObject(in.Schema)); err != nil {
			return nil, err
		}
	}
	c := converter{parser, in.Versions}
	updater := (&merge.UpdaterBuilder{Converter: c, ReturnInputOnNoop: true}).BuildUpdater()
	var live any
	managers := fieldpath.ManagedFields{}
	for _, s := range in.Steps {
		object, after, err := perform(c, updater, live, managers.Copy(), s)
		if err != nil {
			states = append(states, state{Error: err.Error()})
			continue
		}
		live, managers = object, after
		states = append(states, state{Object: live, Managers: entries(managers)})
	}
	return states, nil
}

func perform(c converter, updater *merge.Updater, live any, managers fieldpath.ManagedFields, s step) (any, fieldpath.ManagedFields, error) {
	version := fieldpath.APIVersion(s.Version)
	isNew := live == nil
	if isNew {
		live = map[string]any{"apiVersion": s.Version, "kind": s.Object["kind"]}
	}
	current := clone(live).(map[string]any)
	current["apiVersion"] = s.Version
	old, err := c.typed(current, s.Version, typed.AllowDuplicates)
	if err != nil {
		return nil, nil, err
	}
	if s.Op == "apply" && !isNew && len(managers) == 0 {
		// What nobody tracks is tracked from now on.
		empty, err := c.typed(map[string]any{"apiVersion": s.Version, "kind": s.Object["kind"]}, s.Version)
		if err != nil {
			return nil, nil, err
		}
		name := identity{"before-first-apply", "Update", s.Version}.String()
		if _, managers, err = updater.Update(empty, old, version, managers, name); err != nil {
			return nil, nil, err
		}
		strip(managers, name)
	}
	if s.Op == "update" {
		object, err := c.typed(s.Object, s.Version, typed.AllowDuplicates)
		if err != nil {
			return nil, nil, err
		}
		const self = "current-operation"
		_, managers, err = updater.Update(old, object, version, managers, self)
		if err != nil {
			return nil, nil, err
		}
		strip(managers, self)
		name := identity{s.Manager, "Update", s.Version}.String()
		if owned, ok := managers[self]; ok {
			delete(managers, self)
			set := owned.Set()
			if before, ok := managers[name]; ok {
				set = set.Union(before.Set())
			}
			managers[name] = fieldpath.NewVersionedSet(set, version, false)
		}
		return s.Object, managers, nil
	}
	config, err := c.typed(s.Object, s.Version)
	if err != nil {
		return nil, nil, err
	}
	name := identity{s.Manager, "Apply", s.Version}.String()
	object, managers, err := updater.Apply(old, config, version, managers, name, s.Force)
	if err != nil {
		return nil, nil, err
	}
	strip(managers, name)
	return dropNulls(object.AsValue().Unstructured()), managers, nil
}

func clone(v any) any {
	var out any
	text, _ := json.Marshal(v)
	_ = json.Unmarshal(text, &out)
	return out
}

// dropNulls does what decoding into the server's types does.
func dropNulls(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, it := range t {
			if it != nil {
				out[k] = dropNulls(it)
			}
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, it := range t {
			out[i] = dropNulls(it)
		}
		return out
	}
	return v
}

func entries(managers fieldpath.ManagedFields) []entry {
	out := []entry{}
	for name, owned := range managers {
		var id identity
		_ = json.Unmarshal([]byte(name), &id)
		var text bytes.Buffer
		fields, _ := owned.Set().ToJSON()
		_ = json.Compact(&text, fields)
		out = append(out, entry{id.Manager, id.Operation, string(owned.APIVersion()), text.Bytes()})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return a.Manager+a.Operation+a.APIVersion < b.Manager+b.Operation+b.APIVersion
	})
	return out
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for {
		line, err := input.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 {
			return
		}
		answer := map[string]any{}
		var in sequence
		if err := json.Unmarshal(line, &in); err != nil {
			answer["error"] = err.Error()
		} else if states, err := run(in); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["states"] = states
		}
		text, _ := json.Marshal(answer)
		fmt.Fprintf(output, "%s\n", text)
		if err != nil {
			return
		}
	}
}
