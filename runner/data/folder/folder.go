package folder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"ordo/augment"
)

// Options says where the images are and what to do with them.
type Options struct {
	Root      string
	ShortSide int // in pixels; larger images are reduced to it; at least 1
	// Seed and TestFraction split a root that has no train and test folders.
	Seed         uint64
	TestFraction float64
	// Images and TestImages bound the splits: the images whose ids hash lowest are kept. 0 keeps all.
	Images, TestImages int
}

// Set is one split, its images in memory.
type Set struct {
	images      []augment.Image
	labels      []int
	ids         []string
	classes     []string
	fingerprint string
}

// Len returns the number of images.
func (s *Set) Len() int { return len(s.images) }

// Image returns image i. The pixels are read-only.
func (s *Set) Image(i int) (augment.Image, error) {
	if i < 0 || i >= len(s.images) {
		return augment.Image{}, fmt.Errorf("folder: image %d of %d", i, len(s.images))
	}
	return s.images[i], nil
}

// Label returns the class of image i.
func (s *Set) Label(i int) int { return s.labels[i] }

// ID returns the path of image i below the root, with slashes.
func (s *Set) ID(i int) string { return s.ids[i] }

// Classes returns the names of the classes: those of the training images, sorted.
func (s *Set) Classes() []string { return slices.Clone(s.classes) }

// Fingerprint identifies the content: a hash of the ids, the labels, the files' bytes and the short side.
func (s *Set) Fingerprint() string { return s.fingerprint }

// item is an image that was found but not read.
type item struct {
	id    string
	label int
	hash  uint64 // of the id and the seed
}

// Read finds and decodes all images, on all cores. It returns the context's error when ctx is done, and
// otherwise errors that name the file and say what to do. Of several unreadable images it reports the first
// in order.
func Read(ctx context.Context, o Options) (train, test *Set, err error) {
	trainItems, testItems, classes, err := find(o)
	if err != nil {
		return nil, nil, fmt.Errorf("folder: %w", err)
	}
	train, err = decodeAll(ctx, o, trainItems, classes)
	if err != nil {
		return nil, nil, fmt.Errorf("folder: %w", err)
	}
	test, err = decodeAll(ctx, o, testItems, classes)
	if err != nil {
		return nil, nil, fmt.Errorf("folder: %w", err)
	}
	return train, test, nil
}

// find lists the images of both splits.
func find(o Options) (train, test []item, classes []string, err error) {
	top, err := folders(o.Root)
	if err != nil {
		return nil, nil, nil, err
	}
	second := "test"
	if !slices.Contains(top, second) {
		second = "val"
	}
	if slices.Contains(top, "train") && slices.Contains(top, second) {
		train, classes, err = list(o, "train", nil)
		if err != nil {
			return nil, nil, nil, err
		}
		test, _, err = list(o, second, classes)
		if err != nil {
			return nil, nil, nil, err
		}
	} else {
		all, names, err := list(o, "", nil)
		if err != nil {
			return nil, nil, nil, err
		}
		classes = names
		for _, it := range all {
			if float64(it.hash)/(1<<64) < o.TestFraction {
				test = append(test, it)
			} else {
				train = append(train, it)
			}
		}
		if len(train) == 0 || len(test) == 0 {
			return nil, nil, nil, fmt.Errorf("%s: splitting its %d images leaves %d for training and %d for testing; "+
				"add images, make train and test folders, or change data.test_fraction (%v)",
				o.Root, len(all), len(train), len(test), o.TestFraction)
		}
	}
	return limit(train, o.Images), limit(test, o.TestImages), classes, nil
}

// limit keeps the n items of the lowest hash, in their order; 0 keeps all.
func limit(items []item, n int) []item {
	if n == 0 || n >= len(items) {
		return items
	}
	byHash := slices.Clone(items)
	slices.SortFunc(byHash, func(a, b item) int {
		if a.hash != b.hash {
			if a.hash < b.hash {
				return -1
			}
			return 1
		}
		return strings.Compare(a.id, b.id)
	})
	kept := make(map[string]bool, n)
	for _, it := range byHash[:n] {
		kept[it.id] = true
	}
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !kept[it.id] })
}

// folders returns the names of the folders in dir, links to folders included, sorted.
func folders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; give the folder that holds a folder of images for each class", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// list returns the images of the classes in the folder `below` of the root, and the classes. With known
// classes, others are an error.
func list(o Options, below string, known []string) ([]item, []string, error) {
	dir := filepath.Join(o.Root, below)
	found, err := folders(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("%s holds no folders; put the images of each class into a folder of their own", dir)
	}
	classes := known
	if known == nil {
		classes = found
	}
	var items []item
	for _, class := range found {
		label := slices.Index(classes, class)
		if label < 0 {
			return nil, nil, fmt.Errorf("%s is a class without training images; give it some or remove it",
				filepath.Join(dir, class))
		}
		names, err := imageFiles(filepath.Join(dir, class))
		if err != nil {
			return nil, nil, err
		}
		for _, name := range names {
			id := class + "/" + name
			if below != "" {
				id = below + "/" + id
			}
			items = append(items, item{id, label, hash(o.Seed, id)})
		}
	}
	return items, classes, nil
}

func hash(seed uint64, id string) uint64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), id...))
	return binary.BigEndian.Uint64(sum[:])
}

// unread are the extensions of images that are not decoded. To leave such files out in silence would be worse
// than to stop.
var unread = []string{".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".jp2"}

// imageFiles returns the names of the images of one class, sorted.
func imageFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	inner := 0
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			inner++
		case ext == ".jpg" || ext == ".jpeg" || ext == ".png":
			names = append(names, e.Name())
		case slices.Contains(unread, ext):
			return nil, fmt.Errorf("%s: %s images can't be read; convert it to PNG or JPEG, or remove it",
				filepath.Join(dir, e.Name()), ext)
		}
	}
	if len(names) == 0 {
		if inner > 0 {
			return nil, fmt.Errorf("%s: a class with no JPEG or PNG image, but with %d folders, which are not read; "+
				"move the images up", dir, inner)
		}
		return nil, fmt.Errorf("%s: a class with no JPEG or PNG image; add some or remove the folder", dir)
	}
	return names, nil
}

// decodeAll reads the items into a set.
func decodeAll(ctx context.Context, o Options, items []item, classes []string) (*Set, error) {
	s := &Set{
		images:  make([]augment.Image, len(items)),
		labels:  make([]int, len(items)),
		ids:     make([]string, len(items)),
		classes: classes,
	}
	sums := make([][sha256.Size]byte, len(items))
	errs := make([]error, len(items))
	var next, failed atomic.Int64 // the next item to read; the lowest one that failed
	failed.Store(int64(len(items)))
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(items)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= failed.Load() { // all before it are taken, so the first failure is found whatever the order of work
					return
				}
				s.images[i], sums[i], errs[i] = readImage(filepath.Join(o.Root, filepath.FromSlash(items[i].id)), o.ShortSide)
				for errs[i] != nil {
					f := failed.Load()
					if i >= f || failed.CompareAndSwap(f, i) {
						break
					}
				}
			}
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, "folder %d %q\n", o.ShortSide, classes)
	for i, it := range items {
		s.labels[i], s.ids[i] = it.label, it.id
		fmt.Fprintf(h, "%q %d %x\n", it.id, it.label, sums[i])
	}
	s.fingerprint = fmt.Sprintf("%x", h.Sum(nil)[:8])
	return s, nil
}
