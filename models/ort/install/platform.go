package install

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"ordo/models/fault"
)

// Versions of the Maven artifacts org.bytedeco:onnxruntime and org.bytedeco:dnnl: the library's own, then the
// packager's.
const (
	Version       = "1.28.0-1.5.14"
	OneDNNVersion = "3.13-1.5.14"
)

const (
	artifactGroup = "org.bytedeco"
	gpuSuffix     = "-gpu" // of the classifier of a library with CUDA
)

// product is a library that ordo can install.
type product struct {
	title    string   // as texts name it
	artifact string   // name of the Maven artifact
	version  string   // of the artifact
	env      string   // the environment variable that names another library
	patterns []string // of the file names under which it is published, the most exact first
}

var onnxRuntime = &product{
	title: "ONNX Runtime", artifact: "onnxruntime", version: Version, env: EnvLibrary,
	patterns: []string{
		"libonnxruntime.so.1", "libonnxruntime.so", "libonnxruntime.so.1.*",
		"libonnxruntime.1.dylib", "libonnxruntime.dylib", "libonnxruntime.1.*.dylib",
		"onnxruntime.dll",
	},
}

var oneDNN = &product{
	title: "oneDNN", artifact: "dnnl", version: OneDNNVersion, env: EnvOneDNN,
	patterns: []string{"libdnnl.so.3", "libdnnl.so", "libdnnl.so.3.*", "libdnnl.3.dylib", "libdnnl.dylib"},
}

// platform is what is known about the published library for one operating system and processor.
type platform struct {
	product    *product
	classifier string   // the artifact's classifier
	library    string   // the library's file name, in the jar and in the cache
	companions []string // files that the library loads from its own folder, in the jar and in the cache too
	jarSHA256  string   // of the jar, in hex
	jarSize    int64    // bytes
}

// platforms holds the published libraries by GOOS/GOARCH. The libraries need only the C++ runtime of their system (on
// Windows the Visual C++ one); the execution provider libraries beside them in the jar are not used here.
var platforms = map[string]platform{
	"linux/amd64": {
		product: onnxRuntime, classifier: "linux-x86_64", library: "libonnxruntime.so.1", jarSize: 15715331,
		jarSHA256: "f2de034ff16d4aebe4382530b383b6070c834741d74ebc31d72696d2e57a74dc",
	},
	"linux/arm64": {
		product: onnxRuntime, classifier: "linux-arm64", library: "libonnxruntime.so.1", jarSize: 12916866,
		jarSHA256: "8861ad41a47fb99b5fe06591294a4c286b7703ebb01320ac6801bab2e0885956",
	},
	"darwin/arm64": {
		product: onnxRuntime, classifier: "macosx-arm64", library: "libonnxruntime.1.dylib", jarSize: 11355055,
		jarSHA256: "bca5811b45907b5a2394549f2890df1615ee4104da2904eaaf1539ff11d588e4",
	},
	"windows/amd64": {
		product: onnxRuntime, classifier: "windows-x86_64", library: "onnxruntime.dll", jarSize: 8090278,
		jarSHA256: "706f5d70fbf87b75ec798ca3cc679798f0cba62e86e1cba7de22eb85a17fefb2",
	},
}

// gpuPlatforms holds the libraries with a CUDA execution provider, which they load when a session asks for it. That
// needs CUDA 13's runtime and cuBLAS, cuDNN 9 and NVIDIA's driver, which are not in the jar.
var gpuPlatforms = map[string]platform{
	"linux/amd64": {
		product: onnxRuntime, classifier: "linux-x86_64-gpu", library: "libonnxruntime.so.1", jarSize: 165275041,
		jarSHA256:  "a1775c67abc5864dcaa3771eff343be804cd0d0232f0b187e6c9867c15d6167f",
		companions: []string{"libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"},
	},
}

// oneDNNPlatforms holds oneDNN by GOOS/GOARCH. It needs the OpenMP runtime beside it, though ordo lets it use one
// thread only. It is large because it holds kernels for GPUs too, which are never touched.
var oneDNNPlatforms = map[string]platform{
	"linux/amd64": {
		product: oneDNN, classifier: "linux-x86_64", library: "libdnnl.so.3", jarSize: 28136304,
		jarSHA256:  "9c9a46215ec11c7ceb442714083615c74104f4ad7181ff910bf5fa95999070f4",
		companions: []string{"libgomp.so.1"},
	},
	"linux/arm64": {
		product: oneDNN, classifier: "linux-arm64", library: "libdnnl.so.3", jarSize: 20606151,
		jarSHA256:  "51907b183fe7cac63f45fe158fe4c374fe882934daba952bc344df7e2c1c0061",
		companions: []string{"libgomp.so.1"},
	},
	"darwin/arm64": {
		product: oneDNN, classifier: "macosx-arm64", library: "libdnnl.3.dylib", jarSize: 6182400,
		jarSHA256:  "c43dc89c16485537bbd1c7ed05f90673ac9af3b4de6a9467e775eb53f474e53a",
		companions: []string{"libomp.dylib"},
	},
}

// currentOneDNN returns oneDNN for the platform that ordo runs on.
func currentOneDNN() (platform, error) {
	p, ok := oneDNNPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return platform{}, unpublished("oneDNN", EnvOneDNN)
	}
	return p, nil
}

// current returns the platform that ordo runs on, with CUDA or without.
func current(gpu bool) (platform, error) {
	if gpu {
		p, ok := gpuPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
		if !ok {
			return platform{}, unpublished("ONNX Runtime with the training API and CUDA", EnvLibrary)
		}
		return p, nil
	}
	p, ok := platforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return platform{}, unpublished("ONNX Runtime with the training API", EnvLibrary)
	}
	return p, nil
}

func unpublished(what, env string) error {
	return fault.New(fault.Library, "no %s is published for %s/%s", what, runtime.GOOS, runtime.GOARCH).
		Advise("build one and set %s to it", env)
}

// coordinates are the artifact's, as mvn takes them: group:name:version:type:classifier.
func (p platform) coordinates() string {
	return fmt.Sprintf("%s:%s:%s:jar:%s", artifactGroup, p.product.artifact, p.product.version, p.classifier)
}

// jarName is the file name of the artifact.
func (p platform) jarName() string {
	return fmt.Sprintf("%s-%s-%s.jar", p.product.artifact, p.product.version, p.classifier)
}

// entry is a file's name in the jar.
func (p platform) entry(file string) string {
	return strings.ReplaceAll(artifactGroup, ".", "/") + "/" + p.product.artifact + "/" + p.classifier + "/" + file
}

// jarSystem is the operating system and the processor that the jar is for.
func (p platform) jarSystem() string { return strings.TrimSuffix(p.classifier, gpuSuffix) }

// from is the hint to install the platform's library from a file, or to fetch it where none is named.
func (p platform) from(file string) fault.InstallLibrary {
	return fault.InstallLibrary{GPU: strings.HasSuffix(p.classifier, gpuSuffix), OneDNN: p.product == oneDNN, From: file}
}

// files are the library and its companions.
func (p platform) files() []string { return append([]string{p.library}, p.companions...) }

// slotIn returns the folder of the installed library under the given cache folder (see CacheDir).
func slotIn(cache string, p platform) (string, error) {
	dir, err := CacheDir(cache)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, p.product.artifact, p.product.version+"-"+p.classifier), nil
}
