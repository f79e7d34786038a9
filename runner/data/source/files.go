package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data/picture"
)

// File is an item that is an image file, or a box of one.
type File struct {
	ID    string
	Path  string
	Label int // -1: none
	// Box is what is cut out, in pixels of the upright image; what lies outside the image is left out. The zero value is
	// the whole image.
	Box image.Rectangle
}

// Files is a set of image files.
type Files struct {
	files   []File
	classes []string
	options picture.Options
	about   About
	key     string
}

// FileOptions says what the files of a set are.
type FileOptions struct {
	Settings string // the reader's name and options, in any form: they go into the key
	Classes  []string
	Picture  picture.Options
	About    About
}

// NewFiles returns the set of the given files. That a file isn't there is no error here, but one of Image. The error is
// the context's.
func NewFiles(ctx context.Context, files []File, o FileOptions) (*Files, error) {
	type stat struct{ size, time int64 }
	stats := make([]stat, len(files))
	err := ask(ctx, len(files), 64, func(i int) {
		stats[i] = stat{-1, 0}
		if info, err := os.Stat(files[i].Path); err == nil {
			stats[i] = stat{info.Size(), info.ModTime().UnixNano()}
		}
	})
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "files %q %v %q\n", o.Settings, o.Picture.Background, o.Classes)
	var line []byte
	for i, f := range files {
		line = appendKey(line[:0], f, stats[i].size, stats[i].time)
		_, _ = h.Write(line) // a hash takes everything
	}
	return &Files{files, o.Classes, o.Picture, o.About, fmt.Sprintf("%x", h.Sum(nil)[:16])}, nil
}

// ask calls do for 0 … n-1 on more goroutines than there are processors, one for every few calls: the file system is
// what takes time, and more so where it is a network's. The error is the context's.
func ask(ctx context.Context, n, few int, do func(i int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(4*runtime.GOMAXPROCS(0), n/few+1) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// appendKey appends what a file is in the key of its set: "%q %d %v %d %d\n" of id, label, box, size in bytes and time
// of change in nanoseconds. Package fmt takes twice as long, on one core while the others wait.
func appendKey(b []byte, f File, size, time int64) []byte {
	b = strconv.AppendQuote(b, f.ID)
	b = strconv.AppendInt(append(b, ' '), int64(f.Label), 10)
	b = append(append(b, ' '), text(f.Box)...)
	b = strconv.AppendInt(append(b, ' '), size, 10)
	b = strconv.AppendInt(append(b, ' '), time, 10)
	return append(b, '\n')
}

var noBox = image.Rectangle{}.String()

func text(box image.Rectangle) string {
	if box == (image.Rectangle{}) {
		return noBox
	}
	return box.String()
}

// Len returns the number of items.
func (s *Files) Len() int { return len(s.files) }

// ID returns the name of item i.
func (s *Files) ID(i int) string { return s.files[i].ID }

// Label returns the class of item i, or -1.
func (s *Files) Label(i int) int { return s.files[i].Label }

// Classes returns the names of the classes, nil when there are no labels.
func (s *Files) Classes() []string { return slices.Clone(s.classes) }

// Key names the content.
func (s *Files) Key() string { return s.key }

// About says what the set belongs to.
func (s *Files) About() About { return s.about }

// Image decodes item i.
func (s *Files) Image(i int) (augment.Image, error) {
	f, err := s.at(i)
	if err != nil {
		return augment.Image{}, err
	}
	raw, err := read(f.Path, picture.MaxFileBytes)
	if err != nil {
		return augment.Image{}, Advise(err, "remove or replace it")
	}
	m, err := picture.Decode(raw, s.options)
	if err == nil && f.Box != (image.Rectangle{}) {
		m, err = crop(m, f.Box)
	}
	if err != nil {
		return augment.Image{}, fault.New(fault.Data, "%s: %w", f.Path, err).Advise("remove or replace it")
	}
	return m, nil
}

// Encoded returns the bytes of item i if it is a whole upright JPEG, and else nil.
func (s *Files) Encoded(i int) ([]byte, error) {
	f, err := s.at(i)
	if err != nil || f.Box != (image.Rectangle{}) {
		return nil, err
	}
	raw, err := read(f.Path, picture.MaxFileBytes)
	if err != nil {
		return nil, err
	}
	if h, err := picture.Inspect(raw); err != nil || h.Format != "JPEG" || h.Orientation != 1 {
		return nil, nil // a damaged file is an error of Image
	}
	return raw, nil
}

// headerBytes is how much of a file is read for its header at first: enough unless a large preview precedes it.
const headerBytes = 64 << 10

// Inspect reads the header of item i.
func (s *Files) Inspect(i int) (Header, error) {
	f, err := s.at(i)
	if err != nil {
		return Header{}, err
	}
	info, err := os.Stat(f.Path)
	if err != nil {
		return Header{}, fault.Reading(fault.Data, f.Path, err)
	}
	raw, err := read(f.Path, headerBytes)
	if err != nil {
		return Header{}, err
	}
	h, err := picture.Inspect(raw)
	if err != nil && info.Size() > headerBytes {
		if raw, err = read(f.Path, picture.MaxFileBytes); err == nil {
			h, err = picture.Inspect(raw)
		}
	}
	if err != nil {
		return Header{}, fault.New(fault.Data, "%s: %w", f.Path, err)
	}
	out := Header{Format: h.Format, Width: h.Width, Height: h.Height, Channels: h.Channels, Bytes: info.Size()}
	if f.Box != (image.Rectangle{}) {
		box := f.Box.Intersect(image.Rect(0, 0, h.Width, h.Height))
		out.Width, out.Height = box.Dx(), box.Dy()
	}
	return out, nil
}

// File is the path of item i's file.
func (s *Files) File(i int) string { return s.files[i].Path }

// SharedFile is the file of item i where that is a box of it, which other items may be, too, and else "".
func (s *Files) SharedFile(i int) string {
	if s.files[i].Box == (image.Rectangle{}) {
		return ""
	}
	return s.files[i].Path
}

// Digest names the content of item i.
func (s *Files) Digest(i int) (string, error) {
	f, err := s.at(i)
	if err != nil {
		return "", err
	}
	raw, err := read(f.Path, picture.MaxFileBytes)
	if err != nil {
		return "", err
	}
	return digest(fmt.Appendf(raw, "%v", f.Box)), nil
}

func digest(raw []byte) string { return fmt.Sprintf("%x", sha256.Sum256(raw)) }

func (s *Files) at(i int) (File, error) {
	if i < 0 || i >= len(s.files) {
		return File{}, fmt.Errorf("image %d of %d", i, len(s.files))
	}
	return s.files[i], nil
}

// OpenFile opens a file for reading. Folders, pipes and devices are errors: to open a named pipe would wait for a
// writer, and nothing could stop that.
func OpenFile(path string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fault.New(fault.Data, "%s: not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	if info, err = f.Stat(); err != nil {
		return nil, nil, errors.Join(fault.Reading(fault.Data, path, err), f.Close())
	}
	return f, info, nil
}

// ReadImage reads an image file, which must not be larger than one may be.
func ReadImage(path string) ([]byte, error) { return read(path, picture.MaxFileBytes) }

// read returns the first limit bytes of a file, which must not be larger than an image may be.
func read(path string, limit int64) ([]byte, error) {
	f, info, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > picture.MaxFileBytes {
		return nil, fault.New(fault.Data, "%s: a file of %d MiB, the limit is %d MiB", path,
			info.Size()>>20, picture.MaxFileBytes>>20)
	}
	raw := make([]byte, min(info.Size(), limit))
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	return raw, nil
}

// Missing is the fault of data that aren't where they should be; it wraps fs.ErrNotExist.
func Missing(format string, args ...any) *fault.Error {
	return fault.New(fault.Data, "%w", missing(fmt.Sprintf(format, args...)))
}

type missing string

func (m missing) Error() string { return string(m) }
func (missing) Unwrap() error   { return fs.ErrNotExist }

// Advise is err with something else to do, if it is a fault.
func Advise(err error, do string) error {
	if f, ok := err.(*fault.Error); ok { //nolint:errorlint // one that is wrapped says it in another place
		other := *f
		return other.Advise("%s", do)
	}
	return err
}

// crop cuts a box out of an image.
func crop(m augment.Image, box image.Rectangle) (augment.Image, error) {
	b := box.Intersect(image.Rect(0, 0, m.Width, m.Height))
	if b.Empty() {
		return m, fmt.Errorf("its box %v lies outside of its %d x %d pixels", box, m.Width, m.Height)
	}
	out := augment.Image{Width: b.Dx(), Height: b.Dy(), Pix: make([]uint8, 3*b.Dx()*b.Dy())}
	for y := range out.Height {
		copy(out.Pix[3*y*out.Width:][:3*out.Width], m.Pix[3*((b.Min.Y+y)*m.Width+b.Min.X):])
	}
	return out, nil
}

// extensions are those of images, in lower case. Files of the last ones can't be read: to leave them out in silence
// would be worse than to stop at them.
var extensions = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
	".heic", ".heif", ".avif", ".jp2", ".jxl",
}

// isImage says whether a file's name is that of an image.
func isImage(name string) bool {
	return slices.ContainsFunc(extensions, func(e string) bool {
		return len(name) > len(e) && strings.EqualFold(name[len(name)-len(e):], e)
	})
}

// maxDepth bounds how deep folders may be nested, which ends a walk along a link that leads back.
const maxDepth = 32

// walk is what walkImages finds.
type walk struct {
	names  []string
	others Kinds
	err    error // without the others
}

// walkImages finds the images in dir and in the folders below it, as paths relative to dir with slashes, sorted by
// their bytes, and counts the other files. Symbolic links are followed; hidden names are passed over.
func walkImages(dir string) walk {
	found := walk{others: Kinds{}}
	var in func(below string, depth int) error
	in = func(below string, depth int) error {
		if depth > maxDepth {
			return fault.New(fault.Data, "%s: folders are nested more than %d deep; a symbolic link may lead back",
				filepath.Join(dir, below), maxDepth)
		}
		entries, err := os.ReadDir(filepath.Join(dir, below))
		if err != nil {
			return fault.Reading(fault.Data, filepath.Join(dir, below), err)
		}
		for _, e := range entries {
			name := e.Name()
			if Hidden(name) {
				continue
			}
			at := name
			if below != "" {
				at = below + "/" + name
			}
			isDir, err := isDir(dir, at, e)
			switch {
			case err != nil && !isImage(name):
				return Advise(err, "remove the link or give it a target")
			case isDir:
				if err := in(at, depth+1); err != nil {
					return err
				}
			case isImage(name):
				found.names = append(found.names, at)
			default:
				found.others.Count(name)
			}
		}
		return nil
	}
	if err := in("", 0); err != nil {
		return walk{err: err}
	}
	slices.Sort(found.names)
	return found
}

// Folders returns the names of the folders in dir, links to folders included, sorted. Hidden ones are passed over.
func Folders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Reading(fault.Data, dir, err)
	}
	var names []string
	for _, e := range entries {
		if Hidden(e.Name()) {
			continue
		}
		ok, err := isDir(dir, e.Name(), e)
		if err != nil && !isImage(e.Name()) {
			return nil, Advise(err, "remove the link or give it a target")
		}
		if ok {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// isDir says whether an entry is a folder or a link to one.
func isDir(dir, at string, e fs.DirEntry) (bool, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir(), nil
	}
	info, err := os.Stat(filepath.Join(dir, at))
	if err != nil {
		return false, fault.Reading(fault.Data, filepath.Join(dir, at), err)
	}
	return info.IsDir(), nil
}

// Hidden says whether a name is one of those that systems, cameras, network storage and photograph programs keep for
// themselves: thumbnails, waste baskets, settings of folders. They would be classes and images otherwise.
func Hidden(name string) bool {
	return name[0] == '.' || strings.HasPrefix(name, "@Syno") || strings.HasSuffix(name, "@SynoEAStream") ||
		slices.ContainsFunc(hidden, func(h string) bool { return strings.EqualFold(h, name) })
}

// hidden are names that don't begin with a dot, in upper or lower case.
var hidden = []string{
	"__MACOSX", "Network Trash Folder", "Temporary Items", // macOS
	"Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "RECYCLER", "System Volume Information", // Windows
	"@eaDir", "#recycle", "#snapshot", "@tmp", "@Recycle", "@Recently-Snapshot", "@__thumb", // Synology, QNAP
	"lost+found", // Linux
}

// FindFolder looks for a folder that has all the names in it, in root itself and then in the folders below it, down to
// depth, nearest first. It returns an error that wraps fs.ErrNotExist if there is none, and one that lists them if
// there are several equally near.
func FindFolder(root string, depth int, names ...string) (string, error) {
	if info, err := os.Stat(root); err != nil {
		return "", fault.Reading(fault.Data, root, err)
	} else if !info.IsDir() {
		return "", fault.New(fault.Data, "%s is a file, not a folder", root)
	}
	level := []string{root}
	for range depth + 1 {
		var found, next []string
		for _, dir := range level {
			if has(dir, names) {
				found = append(found, dir)
			}
			if inner, err := Folders(dir); err == nil {
				for _, name := range inner {
					next = append(next, filepath.Join(dir, name))
				}
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return "", fault.New(fault.Data, "%s holds several: %s", root, List(found)).Advise("give one of them")
		}
		level = next[:min(len(next), 1000)]
	}
	return "", Missing("%s holds no folder with %s in it", root, List(names)).
		Advise("unpack the data set there or give another folder")
}

func has(dir string, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return errors.Is(err, fs.ErrNotExist)
	})
}
