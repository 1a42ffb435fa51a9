package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// programs stands in for images: --run IMAGE=PROGRAM runs the pods of that image
// as processes of this machine, with their arguments, environment and volumes.
// It needs root, for each has a mount namespace and a root folder of its own.
type programs map[string]string

func (p *programs) String() string { return fmt.Sprint(map[string]string(*p)) }
func (p *programs) Set(s string) error {
	image, program, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("wanted IMAGE=PROGRAM")
	}
	program, err := filepath.Abs(program)
	if *p == nil {
		*p = programs{}
	}
	(*p)[image] = program
	return err
}

// process is a pod's one container.
type process struct {
	cmd               *exec.Cmd
	done              chan struct{}
	started, finished metav1.Time
	exit              int32
}

type processes struct {
	running    map[types.UID]*process
	configMaps corelisters.ConfigMapLister
	secrets    corelisters.SecretLister
	synced     []func() bool
	factory    informers.SharedInformerFactory
}

func newProcesses(client kubernetes.Interface) *processes {
	f := informers.NewSharedInformerFactory(client, 0)
	maps, secrets := f.Core().V1().ConfigMaps(), f.Core().V1().Secrets()
	return &processes{
		running: map[types.UID]*process{}, configMaps: maps.Lister(), secrets: secrets.Lister(), factory: f,
		synced: []func() bool{maps.Informer().HasSynced, secrets.Informer().HasSynced},
	}
}

func (k *kubelets) program(pod *corev1.Pod) string {
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.InitContainers) > 0 {
		return ""
	}
	return k.programs[pod.Spec.Containers[0].Image]
}

func (k *kubelets) process(uid types.UID) *process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.processes.running[uid]
}

// forget ends the process of a pod that is gone.
func (k *kubelets) forget(uid types.UID) {
	k.mu.Lock()
	p := k.processes.running[uid]
	delete(k.processes.running, uid)
	k.mu.Unlock()
	if p != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (k *kubelets) syncProcess(ctx context.Context, pod *corev1.Pod, program string) (time.Duration, error) {
	p := k.process(pod.UID)
	deleted := pod.DeletionTimestamp != nil
	switch {
	case finished(pod), p == nil && deleted:
		k.forget(pod.UID)
		if deleted {
			return k.terminate(ctx, pod)
		}
		return 0, nil
	case p == nil && pod.Status.Phase == corev1.PodPending:
		for _, synced := range k.processes.synced {
			if !synced() {
				return 50 * time.Millisecond, nil
			}
		}
		started, err := k.start(ctx, pod, program)
		if missing := (missingError{}); errors.As(err, &missing) {
			return 200 * time.Millisecond, k.writeStatus(ctx, pod, k.processStatus(pod, nil, missing.Error()))
		}
		if err != nil {
			return 0, err
		}
		p = started
	case p == nil:
		return 0, fmt.Errorf("the process of %s is gone", pod.Name)
	}
	select {
	case <-p.done:
		return 0, k.writeStatus(ctx, pod, k.processStatus(pod, p, ""))
	default:
	}
	if deleted { // SIGTERM, and SIGKILL when the grace period is over
		if time.Until(pod.DeletionTimestamp.Time) <= 0 {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		} else if k.once(pod.UID) {
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
		}
		return max(time.Until(pod.DeletionTimestamp.Time), 10*time.Millisecond), nil
	}
	return 0, k.writeStatus(ctx, pod, k.processStatus(pod, p, ""))
}

// once is true the first time that a pod's process is to be ended.
func (k *kubelets) once(uid types.UID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ending[uid] {
		return false
	}
	k.ending[uid] = true
	return true
}

// processStatus is the status of a pod whose container waits (for a reason), runs or has ended.
func (k *kubelets) processStatus(pod *corev1.Pod, p *process, waiting string) *corev1.PodStatus {
	status := pod.Status.DeepCopy()
	if status.StartTime == nil {
		now := metav1.Now()
		status.StartTime = &now
	}
	status.ObservedGeneration = pod.Generation
	status.HostIP = k.hostIP(pod)
	status.HostIPs = []corev1.HostIP{{IP: status.HostIP}}
	c := pod.Spec.Containers[0]
	s := corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: imageID(c.Image), Started: new(bool)}
	ready, reason := corev1.ConditionFalse, "ContainersNotReady"
	select {
	case <-ended(p):
		status.Phase, s.ContainerID = corev1.PodSucceeded, "process://"+string(pod.UID)
		t := &corev1.ContainerStateTerminated{ExitCode: p.exit, Reason: "Completed", StartedAt: p.started, FinishedAt: p.finished}
		if p.exit != 0 {
			status.Phase, t.Reason = corev1.PodFailed, "Error"
		}
		s.State.Terminated, reason = t, "PodCompleted"
	default:
		if p == nil {
			status.Phase = corev1.PodPending
			s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating", Message: waiting}
			break
		}
		yes := true
		status.Phase, s.Ready, s.Started, s.ContainerID = corev1.PodRunning, true, &yes, "process://"+string(pod.UID)
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: p.started}
		ready, reason = corev1.ConditionTrue, ""
		status.PodIP = k.podIP(pod)
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
		setCondition(status, pod, corev1.PodReadyToStartContainers, corev1.ConditionTrue, "")
		setCondition(status, pod, corev1.PodInitialized, corev1.ConditionTrue, "")
	}
	status.ContainerStatuses = []corev1.ContainerStatus{s}
	setCondition(status, pod, corev1.ContainersReady, ready, reason)
	setCondition(status, pod, corev1.PodReady, ready, reason)
	return status
}

func ended(p *process) <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.done
}

// missingError: a volume that has to be there is not.
type missingError struct{ what string }

func (e missingError) Error() string { return "MountVolume.SetUp failed: " + e.what + " not found" }

// Mounts, then the program in a root folder of its own: what the machine has of programs and libraries, read-only, and
// the pod's volumes where the container has them.
const enter = `set -e
root=$1; shift
mount -t tmpfs none "$root"
for it in bin sbin lib lib64 usr etc proc dev; do
	if [ -L "/$it" ]; then cp -P "/$it" "$root/$it"
	elif [ -e "/$it" ]; then mkdir "$root/$it"; mount --rbind "/$it" "$root/$it"; fi
done
mkdir "$root/tmp"
touch "$root/program"; mount --bind "$1" "$root/program"; shift
while [ "$1" != -- ]; do
	mkdir -p "$root$2"; mount --bind "$1" "$root$2"
	if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
	shift 3
done
shift
exec chroot "$root" /program "$@"
`

func (k *kubelets) start(ctx context.Context, pod *corev1.Pod, program string) (*process, error) {
	c := pod.Spec.Containers[0]
	env := k.environment(pod, &c)
	folder := filepath.Join(k.folder, string(pod.UID))
	args := []string{"-m", "sh", "-c", enter, "sh", filepath.Join(folder, "root"), program}
	for _, v := range pod.Spec.Volumes {
		if err := k.volumeIsThere(pod, &v); err != nil {
			return nil, err
		}
	}
	for n, m := range c.VolumeMounts {
		sub := expand(m.SubPath+m.SubPathExpr, env)
		at := filepath.Join(folder, "mounts", fmt.Sprint(n))
		for _, v := range pod.Spec.Volumes {
			if v.Name != m.Name {
				continue
			}
			if v.EmptyDir != nil { // shared by the mounts of a pod
				at = filepath.Join(folder, "volumes", v.Name, sub)
			}
			if err := os.MkdirAll(at, 0o755); err != nil {
				return nil, err
			}
			if err := k.materialise(ctx, pod, &v, sub, at); err != nil {
				return nil, err
			}
		}
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		args = append(args, at, m.MountPath, mode)
	}
	args = append(args, "--")
	for _, a := range append(append([]string{}, c.Command...), c.Args...) {
		args = append(args, expand(a, env))
	}
	if err := os.MkdirAll(filepath.Join(folder, "root"), 0o755); err != nil {
		return nil, err
	}
	out, err := os.Create(k.logFile(pod.Namespace, pod.Name))
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command("unshare", args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	for name, value := range env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // see spawn
		defer runtime.UnlockOSThread()
		defer out.Close()
		err := p.cmd.Start()
		p.started = metav1.Now()
		begun <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait()
		p.finished = metav1.Now()
		p.exit = int32(p.cmd.ProcessState.ExitCode())
		if s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			p.exit = 128 + int32(s.Signal())
		}
		close(p.done)
		_ = os.RemoveAll(folder)
		k.queue.Add("pod/" + pod.Namespace + "/" + pod.Name)
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.processes.running[pod.UID] = p
	k.mu.Unlock()
	return p, nil
}

func (kc *kubeletConfig) logFile(namespace, pod string) string {
	return filepath.Join(kc.folder, namespace+"_"+pod+".log")
}

func (k *kubelets) environment(pod *corev1.Pod, c *corev1.Container) map[string]string {
	server, _ := url.Parse(k.apiserver)
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "KUBERNETES_SERVICE_HOST": server.Hostname(), "KUBERNETES_SERVICE_PORT": server.Port(),
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			env[e.Name] = field(pod, e.ValueFrom.FieldRef.FieldPath)
		} else {
			env[e.Name] = expand(e.Value, env)
		}
	}
	return env
}

// field is what the downward API says.
func field(pod *corev1.Pod, name string) string {
	inner := func(prefix string) (string, bool) {
		rest, ok := strings.CutPrefix(name, prefix+"['")
		return strings.TrimSuffix(rest, "']"), ok
	}
	if key, ok := inner("metadata.annotations"); ok {
		return pod.Annotations[key]
	}
	if key, ok := inner("metadata.labels"); ok {
		return pod.Labels[key]
	}
	return map[string]string{"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "metadata.uid": string(pod.UID)}[name]
}

func expand(text string, env map[string]string) string {
	for name, value := range env {
		text = strings.ReplaceAll(text, "$("+name+")", value)
	}
	return text
}

// source is a part of a volume: files, or why there are none.
type source struct {
	kind, name string
	optional   bool
	items      []corev1.KeyToPath
}

func sources(v *corev1.Volume) []source {
	is := func(it *bool) bool { return it != nil && *it }
	var all []source
	if it := v.ConfigMap; it != nil {
		all = append(all, source{"configmap", it.Name, is(it.Optional), it.Items})
	}
	if it := v.Secret; it != nil {
		all = append(all, source{"secret", it.SecretName, is(it.Optional), it.Items})
	}
	if v.Projected != nil {
		for _, p := range v.Projected.Sources {
			if it := p.ConfigMap; it != nil {
				all = append(all, source{"configmap", it.Name, is(it.Optional), it.Items})
			}
			if it := p.Secret; it != nil {
				all = append(all, source{"secret", it.Name, is(it.Optional), it.Items})
			}
		}
	}
	return all
}

// files of a source by key; nil where it is not there.
func (k *kubelets) files(namespace string, s source) (map[string][]byte, error) {
	all := map[string][]byte{}
	if s.kind == "configmap" {
		it, err := k.processes.configMaps.ConfigMaps(namespace).Get(s.name)
		if err != nil {
			return nil, err
		}
		for key, value := range it.Data {
			all[key] = []byte(value)
		}
		for key, value := range it.BinaryData {
			all[key] = value
		}
		return all, nil
	}
	it, err := k.processes.secrets.Secrets(namespace).Get(s.name)
	if err != nil {
		return nil, err
	}
	for key, value := range it.Data {
		all[key] = value
	}
	return all, nil
}

// volumeIsThere holds a pod up as a kubelet does, whether or not the container sees that part of the volume.
func (k *kubelets) volumeIsThere(pod *corev1.Pod, v *corev1.Volume) error {
	for _, s := range sources(v) {
		files, err := k.files(pod.Namespace, s)
		if apierrors.IsNotFound(err) {
			if !s.optional {
				return missingError{s.kind + " " + s.name}
			}
			continue
		}
		if err != nil {
			return err
		}
		for _, item := range s.items {
			if _, ok := files[item.Key]; !ok && !s.optional {
				return missingError{"key " + item.Key + " of " + s.kind + " " + s.name}
			}
		}
	}
	return nil
}

// materialise writes the files of a volume that stand below sub; the others no container can see.
func (k *kubelets) materialise(ctx context.Context, pod *corev1.Pod, v *corev1.Volume, sub, at string) error {
	put := func(name string, content []byte) error {
		rest := name
		if sub != "" {
			below, ok := strings.CutPrefix(path.Clean(name), path.Clean(sub)+"/")
			if !ok {
				return nil
			}
			rest = below
		}
		file := filepath.Join(at, rest)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, content, 0o644)
	}
	for _, s := range sources(v) {
		items := s.items
		if sub != "" && len(items) > 0 && !strings.HasPrefix(items[0].Path, sub+"/") {
			continue
		}
		files, err := k.files(pod.Namespace, s)
		if apierrors.IsNotFound(err) {
			continue // optional, else the pod would not be here
		}
		if err != nil {
			return err
		}
		if items == nil {
			for key := range files {
				items = append(items, corev1.KeyToPath{Key: key, Path: key})
			}
		}
		for _, item := range items {
			if content, ok := files[item.Key]; ok {
				if err := put(item.Path, content); err != nil {
					return err
				}
			}
		}
	}
	if v.Projected == nil {
		return nil
	}
	for _, p := range v.Projected.Sources {
		if p.DownwardAPI != nil {
			for _, item := range p.DownwardAPI.Items {
				if item.FieldRef != nil {
					if err := put(item.Path, []byte(field(pod, item.FieldRef.FieldPath))); err != nil {
						return err
					}
				}
			}
		}
		if t := p.ServiceAccountToken; t != nil {
			request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
				ExpirationSeconds: t.ExpirationSeconds,
				BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
			}}
			if t.Audience != "" {
				request.Spec.Audiences = []string{t.Audience}
			}
			token, err := k.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			if err := put(t.Path, []byte(token.Status.Token)); err != nil {
				return err
			}
		}
	}
	return nil
}
