package sweep

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"ordo/models/whole"
)

// WriteParquet writes the trials as a table, a row a trial, whole or not at all: its number, folder, hash, seed and
// status, the sweep's keys as text, and every number of its result, which a trial that isn't finished has not.
func (t Table) WriteParquet(path string) error {
	text := func() parquet.Node { return parquet.Compressed(parquet.String(), &zstd.Codec{}) }
	group := parquet.Group{"trial": parquet.Int(64), "folder": text(), "hash": text(), "seed": parquet.Uint(64),
		"status": text()}
	for _, key := range t.Keys {
		group["key."+key] = text()
	}
	numbers := map[string]bool{}
	for _, s := range t.Trials {
		for name := range s.all {
			numbers[name] = true
		}
	}
	for name := range numbers {
		group["number."+name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	schema := parquet.NewSchema("trials", group)
	at := map[string]int{}
	for i, column := range schema.Columns() {
		at[column[0]] = i
	}
	var b bytes.Buffer
	w := parquet.NewWriter(&b, schema)
	for _, s := range t.Trials {
		row := make(parquet.Row, len(at))
		set := func(column string, v parquet.Value, level int) { row[at[column]] = v.Level(0, level, at[column]) }
		set("trial", parquet.Int64Value(int64(s.Number)), 0)
		set("folder", parquet.ByteArrayValue([]byte(s.Folder)), 0)
		set("hash", parquet.ByteArrayValue([]byte(s.Hash)), 0)
		set("seed", parquet.Int64Value(int64(s.Seed)), 0) //nolint:gosec // the same bits: the column is unsigned
		set("status", parquet.ByteArrayValue([]byte(s.Status)), 0)
		for i, key := range t.Keys {
			set("key."+key, parquet.ByteArrayValue([]byte(s.row[i])), 0)
		}
		for _, name := range slices.Sorted(maps.Keys(numbers)) {
			if x, ok := s.all[name]; ok {
				set("number."+name, parquet.DoubleValue(x), 1)
			} else {
				set("number."+name, parquet.NullValue(), 0)
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			return fmt.Errorf("sweep: write Parquet: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("sweep: write Parquet: %w", err)
	}
	return whole.WriteFile(path, b.Bytes())
}
