// Command image judges an OCI archive with go-containerregistry, and unpacks what a node would run of it.
//
// `image ARCHIVE` prints `{"platforms": […], "config": {…}}` of the archive's index: every blob is there, has its size and
// its sum, layers are what the configuration says. `image ARCHIVE ROOTFS` also writes the root file system of the image
// for this machine as a tar archive.
package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func main() {
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		log.Fatal(err)
	}
	err = judge(folder, os.Args[1:])
	os.RemoveAll(folder)
	if err != nil {
		log.Fatal(err)
	}
}

func judge(folder string, arguments []string) error {
	if err := unpack(arguments[0], folder); err != nil {
		return err
	}
	outer, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return err
	}
	if err := validate.Index(outer); err != nil {
		return err
	}
	// The layout names one index, of all platforms.
	manifest, err := outer.IndexManifest()
	if err != nil {
		return err
	}
	if len(manifest.Manifests) != 1 {
		return fmt.Errorf("%d indexes in the layout", len(manifest.Manifests))
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		return err
	}
	images, err := index.IndexManifest()
	if err != nil {
		return err
	}
	here := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	platforms := []string{}
	var config *v1.ConfigFile
	for _, it := range images.Manifests {
		platforms = append(platforms, it.Platform.String())
		image, err := index.Image(it.Digest)
		if err != nil {
			return err
		}
		said, err := image.ConfigFile()
		if err != nil {
			return err
		}
		if said.Architecture != it.Platform.Architecture {
			return fmt.Errorf("%s holds an image for %s", it.Platform, said.Architecture)
		}
		if !it.Platform.Satisfies(here) {
			continue
		}
		config = said
		if len(arguments) > 1 {
			if err := write(image, arguments[1]); err != nil {
				return err
			}
		}
	}
	if config == nil {
		return fmt.Errorf("no image for %s", here)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"platforms": platforms, "config": config})
}

func write(image v1.Image, path string) error {
	files := mutate.Extract(image)
	defer files.Close()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, files); err != nil {
		return err
	}
	return out.Close()
}

func unpack(archive, folder string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	for reader := tar.NewReader(file); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(folder, header.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, reader); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
}
