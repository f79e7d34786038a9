package list

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/source"
)

// shard is one of several Parquet or Arrow files.
type shard struct {
	name  string // below the folder, with slashes, without extension
	path  string
	split int // -1: its name doesn't say
}

const (
	parquetExtension = ".parquet"
	arrowExtension   = ".arrow"
)

// maxDepth is how far below a folder its shards may lie: DIR/data/train-00000-of-00002.parquet,
// DIR/default/train/0000.parquet.
const maxDepth = 2

// saved reads what Hugging Face's datasets write beside the Arrow files of a set: those of which it is made (others may
// be left of what was computed), or the folders of its splits. nil: nothing is said.
func saved(dir string) []string {
	var state struct {
		Files  []struct{ Filename string } `json:"_data_files"`
		Splits []string                    `json:"splits"`
	}
	var names []string
	for _, name := range []string{"state.json", "dataset_dict.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || json.Unmarshal(raw, &state) != nil {
			continue
		}
		for _, f := range state.Files {
			names = append(names, f.Filename)
		}
		names = append(names, state.Splits...)
	}
	return names
}

// findShards lists the Parquet and Arrow files of a folder, sorted by their names.
func findShards(dir string) ([]shard, error) {
	var all []shard
	of := map[string][]string{} // by folder
	left := func(path string) bool {
		folder := filepath.Dir(path)
		if _, known := of[folder]; !known {
			of[folder] = saved(folder)
		}
		return of[folder] != nil && !slices.Contains(of[folder], filepath.Base(path))
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fault.Reading(fault.Data, path, err)
		}
		below, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		below = filepath.ToSlash(below)
		isDir := e.IsDir()
		if info, err := os.Stat(path); err == nil {
			isDir = info.IsDir() // of a link: Hugging Face's cache is made of them
		}
		switch {
		case path == dir:
		case source.Hidden(e.Name()), e.IsDir() && strings.Count(below, "/") >= maxDepth:
			if e.IsDir() {
				return fs.SkipDir
			}
		case isDir || left(path):
			if e.IsDir() && left(path) {
				return fs.SkipDir
			}
		default:
			ext := filepath.Ext(path)
			if strings.EqualFold(ext, parquetExtension) || strings.EqualFold(ext, arrowExtension) {
				name := below[:len(below)-len(ext)]
				all = append(all, shard{name, path, splitOf(name)})
			}
		}
		return nil
	})
	return all, err
}

// splitOf is the split that a shard's name begins with, or the name of a folder that it is in; -1: none.
func splitOf(name string) int {
	parts := strings.Split(strings.ToLower(name), "/")
	for _, part := range slices.Backward(parts) {
		if end := strings.IndexAny(part, "-_."); end > 0 {
			part = part[:end]
		}
		if at, ok := splits[part]; ok {
			return at
		}
	}
	return -1
}

// readShards reads a folder of Parquet or Arrow files as one table.
func readShards(ctx context.Context, o Options) (*table, error) {
	all, err := findShards(o.File)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, source.Missing("%s holds no %s or %s file", o.File, parquetExtension, arrowExtension).
			Advise("give a CSV, Parquet or Arrow file, or a folder of Parquet or Arrow files")
	}
	named := slices.ContainsFunc(all, func(s shard) bool { return s.split >= 0 })
	var whole *table
	for _, s := range all {
		if named && s.split < 0 {
			return nil, fault.New(fault.Data, "%s names no split, as others do (train, test, validation)", s.path).
				Advise("rename or move it")
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, err := readFile(s.path, o)
		if err != nil {
			return nil, err
		}
		for i := range t.ids {
			t.ids[i] = s.name + "/" + t.ids[i]
		}
		if named {
			t.splits = slices.Repeat([]int{s.split}, len(t.rows))
		}
		if whole == nil {
			whole = t
			continue
		}
		if err := whole.join(t); err != nil {
			return nil, fault.New(fault.Data, "%s: %w", s.path, err)
		}
	}
	return whole, nil
}

// readFile reads one table.
func readFile(path string, o Options) (*table, error) {
	f, info, err := source.OpenFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parse(f, info.Size(), o)
	if err != nil {
		return nil, errors.Join(fault.New(fault.Data, "%s: %w", path, err), f.Close())
	}
	t.dirs = slices.Repeat([]string{filepath.Dir(path)}, len(t.rows))
	if t.places == nil {
		return t, f.Close()
	}
	return t, nil // it stays in use
}

// join appends the rows of another table, which must have the same columns.
func (t *table) join(other *table) error {
	if !slices.Equal(t.columns, other.columns) || t.images != other.images || !slices.Equal(t.classes, other.classes) {
		return fault.New(fault.Data, "its columns (%s) or names of classes are not those of the files before it (%s)",
			strings.Join(other.all, ", "), strings.Join(t.all, ", ")).Advise("put other sets into folders of their own")
	}
	t.rows, t.lines = append(t.rows, other.rows...), append(t.lines, other.lines...)
	t.dirs, t.splits = append(t.dirs, other.dirs...), append(t.splits, other.splits...)
	t.places, t.ids = append(t.places, other.places...), append(t.ids, other.ids...)
	return nil
}
