package pack

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ordo/models/fault"
)

// Kept is a packed file in a folder.
type Kept struct {
	File   string    `json:"file"`
	Set    string    `json:"set"`    // the source and the split, such as folder-train
	Images int       `json:"images"` // 0: its header is damaged
	Bytes  int64     `json:"bytes"`
	Used   time.Time `json:"last_used"`
	InUse  bool      `json:"in_use"` // a process has it open, or is about to remove it
}

// packedName is the name of a packed file: that of its set, and the key.
var packedName = regexp.MustCompile(`^(.+)-[0-9a-f]{16}` + regexp.QuoteMeta(fileEnd) + `$`)

// List lists the packed files in a folder, the one that was used last first. Files that are called so and don't begin
// as packed files do are nobody's business, and left out.
func List(dir string) ([]Kept, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Reading(fault.Storage, dir, err)
	}
	var all []Kept
	for _, e := range entries {
		name := packedName.FindStringSubmatch(e.Name())
		if name == nil || !e.Type().IsRegular() {
			continue
		}
		k := Kept{File: filepath.Join(dir, e.Name()), Set: name[1]}
		if k.look() {
			all = append(all, k)
		}
	}
	slices.SortStableFunc(all, func(a, b Kept) int { return b.Used.Compare(a.Used) })
	return all, nil
}

// look reads what the file says of itself, and reports whether it is a packed file.
func (k *Kept) look() bool {
	f, err := os.Open(k.File)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	k.Used = accessed(k.File) // before it is read
	head := make([]byte, headerSize)
	n, err := io.ReadFull(f, head)
	_ = os.Chtimes(k.File, k.Used, time.Time{}) // to look is no use
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(head[:n]), magic) {
		return false
	}
	k.Bytes = info.Size()
	if h, err := parseHeader(head[:n], info.Size()); err == nil {
		k.Images = int(h.count)
	}
	locked, err := tryLock(f)
	k.InUse = err == nil && !locked
	return true
}

// Prune says which packed files aren't wanted any more: those of a name, those that weren't used for a time, and of the
// rest those that were used longest ago, until what is left is small enough.
type Prune struct {
	Names     []string      // of files, with or without folder and extension, or of sets
	OlderThan time.Duration // 0: none for that
	MaxSize   int64         // bytes that may stay; below 0: any number
	Now       time.Time
}

// Choose gives those of the files that go, and never one that is in use.
func (p Prune) Choose(all []Kept) []Kept {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Kept) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.File, b.File)) })
	total := int64(0)
	for _, k := range all {
		total += k.Bytes
	}
	var gone []Kept
	var rest []Kept
	for _, k := range all {
		old := p.OlderThan > 0 && p.Now.Sub(k.Used) > p.OlderThan
		if !k.InUse && (old || slices.ContainsFunc(p.Names, k.called)) {
			gone = append(gone, k)
			total -= k.Bytes
		} else {
			rest = append(rest, k)
		}
	}
	for _, k := range rest {
		if p.MaxSize >= 0 && total > p.MaxSize && !k.InUse {
			gone = append(gone, k)
			total -= k.Bytes
		}
	}
	return gone
}

// called says whether a name is that of the file or of its set.
func (k Kept) called(name string) bool {
	base := filepath.Base(k.File)
	return name == k.Set || name == k.File || filepath.Base(name) == base && filepath.Dir(name) == "." ||
		name+fileEnd == base
}

// Called gives those of the names that no file has.
func Called(all []Kept, names []string) (missing []string) {
	for _, name := range names {
		if !slices.ContainsFunc(all, func(k Kept) bool { return k.called(name) }) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Remove removes a packed file and the list of images that were left out of it. It reports whether it did: a process
// may have opened the file since it was listed.
func (k Kept) Remove() (removed bool, err error) {
	f, err := os.Open(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.Writing(k.File, err)
	}
	defer f.Close() // and with it the lock
	if locked, err := tryLock(f); err != nil || !locked || !sameFile(f, k.File) {
		return false, err
	}
	if err := os.Remove(k.File); err != nil {
		return false, fault.Writing(k.File, err)
	}
	if err := os.Remove(skippedList(k.File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, fault.Writing(k.File, err)
	}
	return true, nil
}
