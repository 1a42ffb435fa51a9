// Prints what an OpenAPI document does not tell of Kubernetes' Go types, and what decides how objects are stored:
// which fields disappear when they hold nothing, and which are written even then.
//
//	{"io.k8s.api.core.v1.Container": {"zero": ["args", …], "always": {"resources": {}}}}
//
// `cargo xtask schemas` puts this into the planner's table.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"

	admission "k8s.io/api/admissionregistration/v1"
	admissionbeta "k8s.io/api/admissionregistration/v1beta1"
	apps "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	certificates "k8s.io/api/certificates/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

type facts struct {
	Zero   []string       `json:"zero,omitempty"`
	Always map[string]any `json:"always,omitempty"`
}

type named interface{ OpenAPIModelName() string }

var out = map[string]facts{}

func name(t reflect.Type) string {
	if it, ok := reflect.New(t).Interface().(named); ok {
		return it.OpenAPIModelName()
	}
	return ""
}

// opaque types write themselves.
func opaque(t reflect.Type) bool {
	_, ok := reflect.New(t).Interface().(json.Marshaler)
	return ok
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		visit(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	id := name(t)
	if _, done := out[id]; done || opaque(t) {
		return
	}
	f := facts{Always: map[string]any{}}
	if id != "" {
		out[id] = f
	}
	fields(t, &f)
	slices.Sort(f.Zero)
	if id != "" {
		out[id] = f
	}
}

func fields(t reflect.Type, f *facts) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if field.Anonymous && (tag[0] == "" || slices.Contains(tag, "inline")) {
			fields(field.Type, f)
			continue
		}
		if tag[0] == "" || tag[0] == "-" {
			continue
		}
		visit(field.Type)
		omitEmpty, omitZero := slices.Contains(tag, "omitempty"), slices.Contains(tag, "omitzero")
		kind := field.Type.Kind()
		switch {
		case kind == reflect.Pointer || kind == reflect.Interface:
		case kind == reflect.Struct:
			if omitZero {
				f.Zero = append(f.Zero, tag[0])
			} else if opaque(field.Type) {
				f.Always[tag[0]] = json.RawMessage(marshal(reflect.Zero(field.Type).Interface()))
			} else {
				f.Always[tag[0]] = map[string]any{}
			}
		case omitEmpty || omitZero:
			f.Zero = append(f.Zero, tag[0])
		default:
			f.Always[tag[0]] = json.RawMessage(marshal(reflect.Zero(field.Type).Interface()))
		}
	}
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admission.AddToScheme, admissionbeta.AddToScheme, apps.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme,
		batch.AddToScheme, certificates.AddToScheme, coordination.AddToScheme, core.AddToScheme, discovery.AddToScheme,
		networking.AddToScheme, policy.AddToScheme, rbac.AddToScheme, scheduling.AddToScheme, storage.AddToScheme,
		extensions.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	for _, t := range scheme.AllKnownTypes() {
		if t.PkgPath() != reflect.TypeFor[meta.ObjectMeta]().PkgPath() {
			visit(t)
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}
