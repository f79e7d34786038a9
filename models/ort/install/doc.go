// Package install finds and installs the native libraries that ordo uses: ONNX Runtime, built with its training API,
// and oneDNN.
//
// The usual builds of ONNX Runtime cannot train. One that can is published as the Maven artifact
// org.bytedeco:onnxruntime (see [Version]), a jar for each platform that holds the shared library. [Run] fetches
// that jar with the ordinary mvn client, or takes a jar, a library or a folder from the user, and puts the library, and
// nothing else of the jar, into the cache:
//
//	CACHE/onnxruntime/VERSION-CLASSIFIER/libonnxruntime.so.1   the library (.dylib, .dll elsewhere)
//	CACHE/onnxruntime/VERSION-CLASSIFIER/manifest.json         where it came from, its SHA-256 and its size
//
// The library with the CUDA execution provider ([Options.GPU]) is a jar of its own, ten times as large, and has a
// folder of its own beside, VERSION-CLASSIFIER-gpu, with the provider's two libraries in it. Both can be installed:
// what asks for CUDA gets that one ([FindGPU]), all else the other, so that results on the CPU do not depend on what
// else is installed.
//
// oneDNN, for faster kernels, is optional and installed in the same way ([Options.OneDNN], [FindOneDNN]), from the
// artifact org.bytedeco:dnnl into CACHE/dnnl/VERSION-CLASSIFIER, with the OpenMP runtime that it is linked with.
//
// CACHE is the folder that the environment variable ORDO_CACHE names, else "ordo" in the user's cache folder.
// The folder appears whole or not at all: it is filled under another name, synced and renamed. Several processes may
// install at once; the first rename wins and the others find what they wanted.
//
// [Find] says which library to load: the one that ORDO_ONNXRUNTIME names, else the installed one. It never falls back
// from a wrong ORDO_ONNXRUNTIME to another library, and never looks for one in the system's folders, for those are
// builds without the training API.
//
// Whether a library really has the training API is known only after loading it, which is the work of the binding, not
// of this package (it has no cgo); [Options.Check] is the place where a caller joins the two.
package install
