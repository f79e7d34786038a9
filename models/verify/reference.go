package verify

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"codeberg.org/sbinet/npyio/npy"

	"ordo/models/fault"
)

// Reference is what another program computed for a model: the arrays of an .npz file (numpy.savez), float32 or float64.
//
//	images                 [N, 3, H, W]
//	dz  or dz/OUTPUT       [N, D]: the gradient handed to an output; dz alone is for `embedding`
//	z   or z/OUTPUT        the output in training mode (optional)
//	z_eval or z_eval/…     the output in evaluation mode with the initial statistics (optional)
//	grad/PARAMETER         d Σ z·dz / d PARAMETER
//	buffer_before/NAME     a running statistic before the step (optional)
//	buffer_after/NAME      and after it, with torch's unbiased variance (optional)
type Reference struct {
	arrays map[string]array
}

// array is a row-major tensor.
type array struct {
	Shape []int
	Data  []float32
}

// Limits of a reference file, so that a damaged or hostile one costs no memory.
const (
	maxReference = 1 << 32 // bytes, unpacked
	maxArrays    = 100_000
	maxHeader    = 1 << 16
	// maxRatio is more than deflate can compress (1032).
	maxRatio = 1100
)

// OpenReference reads a file. What is wrong with it is a fault of kind fault.Data.
func OpenReference(path string) (*Reference, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	r, err := ReadReference(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ReadReference reads a file's bytes.
func ReadReference(data []byte) (*Reference, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fault.New(fault.Data, "not a reference file: not an .npz archive (%w)", err)
	}
	if len(archive.File) > maxArrays {
		return nil, fault.New(fault.Data, "not a reference file: it has %d arrays", len(archive.File))
	}
	r := &Reference{arrays: map[string]array{}}
	left := uint64(maxReference)
	for _, f := range archive.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok || strings.HasSuffix(f.Name, "/") {
			return nil, fault.New(fault.Data, "not a reference file: %q is not an array", f.Name)
		}
		if _, ok := r.arrays[name]; ok {
			return nil, fault.New(fault.Data, "not a reference file: %q is there twice", name)
		}
		size := f.UncompressedSize64
		if size > left || size > maxRatio*f.CompressedSize64+maxRatio || f.CompressedSize64 > uint64(len(data)) {
			return nil, fault.New(fault.Data, "not a reference file: %q would unpack to %d bytes", name, size)
		}
		left -= size
		array, err := readArray(f)
		if err != nil {
			return nil, fault.New(fault.Data, "not a reference file: %q: %w", name, err)
		}
		r.arrays[name] = array
	}
	return r, r.check()
}

func readArray(f *zip.File) (array, error) {
	member, err := f.Open()
	if err != nil {
		return array{}, err
	}
	defer member.Close()
	data, err := io.ReadAll(io.LimitReader(member, int64(f.UncompressedSize64)))
	if err != nil {
		return array{}, err
	}
	return parseArray(data)
}

// parseArray reads an .npy file. The library that knows the format trusts its header, so that is looked at before.
func parseArray(data []byte) (a array, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged header (%v)", p)
		}
	}()
	start, err := headerEnd(data)
	if err != nil {
		return a, err
	}
	r, err := npy.NewReader(bytes.NewReader(data))
	if err != nil {
		return a, err
	}
	d := r.Header.Descr
	if d.Fortran && len(d.Shape) > 1 {
		return a, errors.New("its elements are in Fortran's order: save numpy.ascontiguousarray of it")
	}
	kind := strings.Trim(d.Type, "'\" ")
	width := map[string]int{"<f4": 4, "<f8": 8}[kind]
	if width == 0 {
		return a, fmt.Errorf("its elements are %s, they must be float32 or float64", kind)
	}
	count := 1
	for _, n := range d.Shape {
		if n < 0 || n > 0 && count > len(data)/n {
			return a, fmt.Errorf("shape %v doesn't fit into the file", d.Shape)
		}
		count *= n
	}
	if count*width != len(data)-start {
		return a, fmt.Errorf("shape %v of %s doesn't fit %d bytes", d.Shape, kind, len(data)-start)
	}
	a = array{Shape: d.Shape, Data: make([]float32, count)}
	if width == 4 {
		if count > 0 {
			err = r.Read(&a.Data)
		}
		return a, err
	}
	wide := make([]float64, count)
	if count > 0 {
		err = r.Read(&wide)
	}
	for i, v := range wide {
		a.Data[i] = float32(v)
	}
	return a, err
}

// headerEnd is where an .npy file's header ends.
func headerEnd(data []byte) (int, error) {
	if len(data) < 12 || string(data[:6]) != "\x93NUMPY" {
		return 0, errors.New("not a NumPy array")
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	if data[6] > 1 {
		n := binary.LittleEndian.Uint32(data[8:])
		if n > maxHeader {
			return 0, errors.New("its header is too long")
		}
		end = 12 + int(n)
	}
	if end > len(data) {
		return 0, errors.New("it is cut off")
	}
	return end, nil
}

// check finds what no check could do without.
func (r *Reference) check() error {
	images, ok := r.arrays["images"]
	if !ok || len(images.Shape) != 4 || len(images.Data) == 0 {
		return fault.New(fault.Data, "not a reference file: it must have an array images [N, 3, H, W]")
	}
	if len(r.names("dz/")) == 0 {
		if _, ok := r.arrays["dz"]; !ok {
			return fault.New(fault.Data, "not a reference file: it must have an array dz [N, D]")
		}
	}
	return nil
}

// names lists the arrays that begin with a prefix, without it, sorted.
func (r *Reference) names(prefix string) []string {
	var list []string
	for name := range r.arrays {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list = append(list, rest)
		}
	}
	slices.Sort(list)
	return list
}

// output gives the array of an output: kind/OUTPUT, or kind alone for the embedding.
func (r *Reference) output(kind, output string) (array, bool) {
	if a, ok := r.arrays[kind+"/"+output]; ok {
		return a, true
	}
	if output == embedding {
		a, ok := r.arrays[kind]
		return a, ok
	}
	return array{}, false
}
