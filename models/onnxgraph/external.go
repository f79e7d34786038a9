package onnxgraph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ordo/models/fault"
)

// loadExternal reads into a model the tensors that it stores in files beside itself. A file is named relative to the
// model's folder dir and must be a regular file inside it: an absolute path, a path that leaves the folder and a
// symbolic link are errors, and so are a part of the file that it doesn't have and parts that overlap, by which a small
// file could ask for any amount of memory. Tensors that share a part share its bytes.
func loadExternal(m *Model, dir string) error {
	if len(m.externals()) == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the folder of the model: %w", err)
	}
	l := &externalLoader{root: root, files: map[string]*externalFile{}}
	return errors.Join(l.loadAll(m), l.close())
}

// loadFrom does what loadExternal does, of files that were read already.
func loadFrom(m *Model, files map[string][]byte) error {
	l := &externalLoader{files: map[string]*externalFile{}}
	for name, data := range files {
		l.files[name] = &externalFile{ReaderAt: bytes.NewReader(data), size: int64(len(data))}
	}
	return l.loadAll(m)
}

func (l *externalLoader) loadAll(m *Model) error {
	for _, t := range m.externals() {
		if err := l.load(t); err != nil {
			return fmt.Errorf("tensor %q, stored outside of the model: %w", t.GetName(), err)
		}
	}
	return nil
}

// externals lists the tensors whose data is in other files: initializers and the values of Constant nodes.
func (m *Model) externals() []*Tensor {
	var external []*Tensor
	for _, t := range m.GetGraph().GetInitializer() {
		if t.GetDataLocation() == Tensor_EXTERNAL {
			external = append(external, t)
		}
	}
	for _, n := range m.GetGraph().GetNode() {
		for _, a := range n.GetAttribute() {
			if a.GetT().GetDataLocation() == Tensor_EXTERNAL {
				external = append(external, a.GetT())
			}
		}
	}
	return external
}

// ExternalFiles lists the files inside the model's folder in which it stores tensors, by their paths from there with
// slashes, each once.
func (m *Model) ExternalFiles() []string {
	var files []string
	for _, t := range m.externals() {
		for _, e := range t.GetExternalData() {
			file := path.Clean(e.GetValue())
			if e.GetKey() == "location" && fs.ValidPath(file) && !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	slices.Sort(files)
	return files
}

type externalLoader struct {
	root  *os.Root // nil: there are only the files that are open
	files map[string]*externalFile
	// total is the number of bytes read so far.
	total int64
}

// externalFile is an open file and the parts of it that were read.
type externalFile struct {
	io.ReaderAt
	close func() error
	size  int64
	parts []part
}

// part is what a file holds from offset on.
type part struct {
	offset int64
	data   []byte
}

// load reads one tensor's data; on an error the tensor stays as it was.
func (l *externalLoader) load(t *Tensor) error {
	n, ok := Static(t.GetDims()...).Elements()
	width := elementBytes(t.GetDataType())
	if !ok || width == 0 || n > math.MaxInt64/16 {
		return fmt.Errorf("impossible type %v", t.Type())
	}
	var location string
	offset, length := int64(0), int64(-1)
	for _, e := range t.GetExternalData() {
		var err error
		switch e.GetKey() {
		case "location":
			location = e.GetValue()
		case "offset":
			offset, err = strconv.ParseInt(e.GetValue(), 10, 64)
		case "length":
			length, err = strconv.ParseInt(e.GetValue(), 10, 64)
		}
		if err != nil {
			return fmt.Errorf("its %s is %q, not a number", e.GetKey(), e.GetValue())
		}
	}
	if length < 0 {
		length = width * n
	}
	if length != width*n {
		return fmt.Errorf("%d bytes for type %v", length, t.Type())
	}
	f, err := l.open(location)
	if err != nil {
		return err
	}
	data, err := l.read(f, offset, length)
	if err != nil {
		return fmt.Errorf("%s: %w", location, err)
	}
	t.RawData, t.ExternalData, t.DataLocation = data, nil, Tensor_DEFAULT
	return nil
}

// open opens a file of the folder once.
func (l *externalLoader) open(location string) (*externalFile, error) {
	// Exporters write slashes on every system. A backslash or a drive would mean another thing on another.
	if !fs.ValidPath(path.Clean(location)) || location == "" || strings.ContainsAny(location, `\:`) ||
		!filepath.IsLocal(location) {
		return nil, fmt.Errorf("its file %q is not a path inside the model's folder", location)
	}
	location = path.Clean(location)
	if f := l.files[location]; f != nil {
		return f, nil
	}
	if l.root == nil {
		return nil, fmt.Errorf("there is no file %s", location)
	}
	steps := strings.Split(location, "/")
	for i := range steps {
		info, err := l.root.Lstat(path.Join(steps[:i+1]...))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.New(fault.Data, "there is no such file beside the model as %s", location).
				Advise("copy it there, or export the model into one file")
		case err != nil:
			return nil, err
		case i < len(steps)-1 && !info.IsDir(), i == len(steps)-1 && !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s is not a regular file of the model's folder: symbolic links are not followed",
				location)
		}
	}
	file, err := l.root.Open(location)
	if err != nil {
		return nil, err
	}
	f := &externalFile{ReaderAt: file, close: file.Close}
	l.files[location] = f
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f.size = info.Size()
	return f, nil
}

// read returns a part of a file.
func (l *externalLoader) read(f *externalFile, offset, length int64) ([]byte, error) {
	if offset < 0 || offset > f.size || length > f.size-offset {
		return nil, fmt.Errorf("%d bytes from %d on are asked of a file of %d", length, offset, f.size)
	}
	at, found := slices.BinarySearchFunc(f.parts, offset, func(p part, o int64) int { return compare(p.offset, o) })
	if found && int64(len(f.parts[at].data)) == length {
		return f.parts[at].data, nil
	}
	end := func(p part) int64 { return p.offset + int64(len(p.data)) }
	if length > 0 && (found || at > 0 && end(f.parts[at-1]) > offset || at < len(f.parts) &&
		f.parts[at].offset < offset+length) {
		return nil, fmt.Errorf("the %d bytes from %d on overlap with another tensor's", length, offset)
	}
	if l.total += length; l.total > maxFile {
		return nil, errors.New("the model's tensors are larger than 2 GiB, the limit of a checkpoint")
	}
	data := make([]byte, length)
	if _, err := f.ReadAt(data, offset); err != nil && !(errors.Is(err, io.EOF) && length == 0) {
		return nil, err
	}
	if length > 0 {
		f.parts = slices.Insert(f.parts, at, part{offset, data})
	}
	return data, nil
}

func (l *externalLoader) close() error {
	faults := []error{l.root.Close()}
	for _, f := range l.files {
		faults = append(faults, f.close())
	}
	return errors.Join(faults...)
}
