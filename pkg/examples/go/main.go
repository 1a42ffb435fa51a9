// Plans an upgrade of Istio inside a Go program: the planner is one WASI file, wazero runs it, nothing leaves the process.
//
//	cargo xtask wasi
//	go run . FILE.wasm EXPORT '{"to": "1.30.3", "asOf": "2026-06-01"}' [RELEASE.tar.gz…]
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: go run . FILE.wasm EXPORT REQUEST [RELEASE.tar.gz…]")
		os.Exit(1)
	}
	input, err := archive(os.Args[2], os.Args[3], os.Args[4:])
	if err == nil {
		var code uint32
		if code, err = plan(context.Background(), os.Args[1], input, os.Stdout, os.Stderr); err == nil {
			os.Exit(int(code))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// plan runs the planner once and returns its exit code: 0 clear, 3 blocked, 4 unknown, 1 unreadable input.
func plan(ctx context.Context, module string, input io.Reader, stdout, stderr io.Writer) (uint32, error) {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return 0, err
	}
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	// No files, no clock, no network: the planner needs none.
	config := wazero.NewModuleConfig().WithStdin(input).WithStdout(stdout).WithStderr(stderr)
	_, err = runtime.InstantiateWithConfig(ctx, wasm, config)
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// archive puts together what the planner reads: the request, the export's files, the releases.
func archive(export, request string, releases []string) (io.Reader, error) {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	add := func(name string, content []byte) error {
		if err := writer.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			return err
		}
		_, err := writer.Write(content)
		return err
	}
	if err := add("request.json", []byte(request)); err != nil {
		return nil, err
	}
	for _, release := range releases {
		content, err := os.ReadFile(release)
		if err != nil {
			return nil, err
		}
		if err := add(path.Join("releases", filepath.Base(release)), content); err != nil {
			return nil, err
		}
	}
	err := filepath.WalkDir(export, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(filepath.Dir(filepath.Clean(export)), file)
		if err != nil {
			return err
		}
		return add(filepath.ToSlash(name), content)
	})
	if err != nil {
		return nil, err
	}
	return &buffer, writer.Close()
}
