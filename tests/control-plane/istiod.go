package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// webhookPort is where the pods of istiod serve their webhooks.
const webhookPort = "15017"

// istiod plays what the real one does during an upgrade: the caBundle of its webhooks, the failurePolicy of its
// validators, the sidecars of new pods.  The API server reaches it by the address of an istiod pod, through an egress
// selector, so with no ready istiod it is not reached, as on a real cluster.
type istiod struct {
	client kubernetes.Interface
	ca     []byte
}

// egress writes the API server's configuration and serves its other end: CONNECT to an istiod pod comes here.
func egress(dir string, webhooks net.Addr) (string, error) {
	sockDir, err := os.MkdirTemp("", "tp-")
	if err != nil {
		return "", err
	}
	socket := filepath.Join(sockDir, "c")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go connect(conn, webhooks)
		}
	}()
	file := filepath.Join(dir, "egress.yaml")
	text := fmt.Sprintf(`apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %s
`, socket)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func connect(conn net.Conn, webhooks net.Addr) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	target := request.Host
	if strings.HasSuffix(target, ":"+webhookPort) {
		target = webhooks.String()
	}
	far, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		fmt.Fprint(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer far.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(far, reader); done <- struct{}{} }()
	go func() { _, _ = io.Copy(conn, far); done <- struct{}{} }()
	<-done
}

// listenWebhooks opens the port; what comes is answered once run is called.
func listenWebhooks(ca *authority, dir string) (net.Listener, pair, error) {
	serving, err := ca.issue(dir, "istiod", "istiod", nil, []string{"127.0.0.1", "istiod.istio-system.svc"})
	if err != nil {
		return nil, pair{}, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	return listener, serving, err
}

func runIstiod(ctx context.Context, cfg *rest.Config, ca *authority, listener net.Listener, serving pair) error {
	cert, err := tls.LoadX509KeyPair(serving.certFile, serving.keyFile)
	if err != nil {
		return err
	}
	own := rest.CopyConfig(cfg)
	own.UserAgent = "pilot-discovery/testplane" // the field manager
	own.QPS, own.Burst = -1, 0
	client, err := kubernetes.NewForConfig(own)
	if err != nil {
		return err
	}
	it := &istiod{client: client, ca: ca.pem}
	mux := http.NewServeMux()
	mux.HandleFunc("/inject", it.review(it.inject))
	mux.HandleFunc("/inject/", it.review(it.inject))
	mux.HandleFunc("/validate", it.review(func(context.Context, *admissionv1.AdmissionRequest) []any { return nil }))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: nil,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return server.Close()
		case <-tick.C:
			it.patchWebhooks(ctx)
		}
	}
}

// version is the tag of the istiod that is ready, or "".
func (i *istiod) version(ctx context.Context) string {
	deployment, err := i.client.AppsV1().Deployments("istio-system").Get(ctx, "istiod", metav1.GetOptions{})
	if err != nil || deployment.Status.AvailableReplicas == 0 {
		return ""
	}
	for _, c := range deployment.Spec.Template.Spec.Containers {
		if c.Name == "discovery" {
			return c.Image[strings.LastIndex(c.Image, ":")+1:]
		}
	}
	return ""
}

func (i *istiod) patchWebhooks(ctx context.Context) {
	if i.version(ctx) == "" {
		return
	}
	ours := func(c *admissionregistrationv1.WebhookClientConfig) bool {
		return c.Service != nil && c.Service.Name == "istiod" && string(c.CABundle) != string(i.ca)
	}
	mutating, err := i.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	for _, configuration := range mutating.Items {
		changed := false
		for n := range configuration.Webhooks {
			if c := &configuration.Webhooks[n].ClientConfig; ours(c) {
				c.CABundle, changed = i.ca, true
			}
		}
		if changed {
			_, _ = i.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Update(ctx, &configuration, metav1.UpdateOptions{})
		}
	}
	validating, err := i.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	fail := admissionregistrationv1.Fail
	for _, configuration := range validating.Items {
		changed := false
		for n := range configuration.Webhooks {
			webhook := &configuration.Webhooks[n]
			if webhook.ClientConfig.Service == nil || webhook.ClientConfig.Service.Name != "istiod" {
				continue
			}
			if ours(&webhook.ClientConfig) {
				webhook.ClientConfig.CABundle, changed = i.ca, true
			}
			if webhook.FailurePolicy == nil || *webhook.FailurePolicy != fail {
				webhook.FailurePolicy, changed = &fail, true
			}
		}
		if changed {
			_, _ = i.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Update(ctx, &configuration, metav1.UpdateOptions{})
		}
	}
}

func (i *istiod) review(patch func(context.Context, *admissionv1.AdmissionRequest) []any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(w, "no review", http.StatusBadRequest)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		if operations := patch(r.Context(), review.Request); operations != nil {
			kind := admissionv1.PatchTypeJSONPatch
			review.Response.PatchType = &kind
			review.Response.Patch, _ = json.Marshal(operations)
		}
		review.Request = nil
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(&review)
	}
}

// inject adds the proxy of the running istiod's version.
func (i *istiod) inject(ctx context.Context, request *admissionv1.AdmissionRequest) []any {
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil || pod.Spec.HostNetwork {
		return nil
	}
	for _, c := range pod.Spec.Containers {
		if c.Name == "istio-proxy" {
			return nil
		}
	}
	proxy := map[string]any{"name": "istio-proxy", "image": "docker.io/istio/proxyv2:" + i.version(ctx)}
	return []any{map[string]any{"op": "add", "path": "/spec/containers/-", "value": proxy}}
}
