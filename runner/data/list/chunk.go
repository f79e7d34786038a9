package list

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// openChunk opens the pages of a column in a row group.
//
// The Parquet library takes the wrong buffer for pages in LZ4 that are not compressed to a third (its issue 608, in all
// releases up to v0.32.0): images never are. So such a chunk is decompressed into memory first, as a file of this one
// column, from which the library reads it.
func openChunk(file *parquet.File, group, column int) (parquet.Pages, error) {
	if isLZ4(file, group, column) {
		plain, err := decompressed(file, group, column)
		if err != nil {
			return nil, err
		}
		file, group = plain, 0
	}
	return file.RowGroups()[group].ColumnChunks()[column].Pages(), nil
}

func isLZ4(file *parquet.File, group, column int) bool {
	groups := file.Metadata().RowGroups
	return group < len(groups) && column < len(groups[group].Columns) &&
		groups[group].Columns[column].MetaData.Codec == format.Lz4Raw
}

// maxChunk bounds the bytes of a column in a row group, compressed and not.
const maxChunk = 4 << 30

var errPage = errors.New("a page whose sizes don't fit together")

// decompressed makes a file in memory that has one row group, of which the column is there, without compression.
func decompressed(file *parquet.File, group, column int) (*parquet.File, error) {
	plain, err := rewrite(file, group, column)
	if err != nil {
		return nil, fmt.Errorf("a damaged Parquet file (%w)", err)
	}
	return plain, nil
}

func rewrite(file *parquet.File, group, column int) (*parquet.File, error) {
	meta := *file.Metadata()
	rows := meta.RowGroups[group]
	rows.Columns = slices.Clone(rows.Columns)
	chunk := &rows.Columns[column]
	m := &chunk.MetaData
	from := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < from {
		from = m.DictionaryPageOffset
	}
	if from < 0 || m.TotalCompressedSize < 0 || m.TotalCompressedSize > min(maxChunk, file.Size()) {
		return nil, errPage
	}
	raw := make([]byte, m.TotalCompressedSize)
	if n, err := file.ReadAt(raw, from); n < len(raw) {
		return nil, err
	}
	const magic = "PAR1"
	out := []byte(magic)
	m.DictionaryPageOffset, m.DataPageOffset = 0, 0
	var protocol thrift.CompactProtocol
	for len(raw) > 0 {
		var h format.PageHeader
		r := protocol.NewReaderFromBytes(raw)
		if err := thrift.NewDecoder(r).Decode(&h); err != nil {
			return nil, err
		}
		raw = raw[r.BytesRead():]
		if h.CompressedPageSize < 0 || int(h.CompressedPageSize) > len(raw) || len(out) > maxChunk {
			return nil, errPage
		}
		page, err := decompress(&h, raw[:h.CompressedPageSize])
		if err != nil {
			return nil, err
		}
		raw = raw[h.CompressedPageSize:]
		h.CompressedPageSize, h.UncompressedPageSize, h.CRC = int32(len(page)), int32(len(page)), 0
		header, err := thrift.Marshal(&protocol, &h)
		if err != nil {
			return nil, err
		}
		switch {
		case h.Type == format.DictionaryPage && m.DictionaryPageOffset == 0:
			m.DictionaryPageOffset = int64(len(out))
		case h.Type != format.DictionaryPage && m.DataPageOffset == 0:
			m.DataPageOffset = int64(len(out))
		}
		out = append(append(out, header...), page...)
	}
	m.Codec, m.BloomFilterOffset, m.BloomFilterLength = format.Uncompressed, 0, 0
	m.TotalCompressedSize = int64(len(out) - len(magic))
	m.TotalUncompressedSize = m.TotalCompressedSize
	meta.RowGroups, meta.NumRows = []format.RowGroup{rows}, rows.NumRows
	footer, err := thrift.Marshal(&protocol, &meta)
	if err != nil {
		return nil, err
	}
	out = binary.LittleEndian.AppendUint32(append(out, footer...), uint32(len(footer)))
	out = append(out, magic...)
	return parquet.OpenFile(bytes.NewReader(out), int64(len(out)), parquet.SkipBloomFilters(true),
		parquet.SkipPageIndex(true))
}

// decompress returns a page without compression, and corrects what its header says of it.
func decompress(h *format.PageHeader, raw []byte) ([]byte, error) {
	levels := 0 // bytes that are never compressed
	if v2 := &h.DataPageHeaderV2; v2.Valid {
		levels = int(v2.V.DefinitionLevelsByteLength) + int(v2.V.RepetitionLevelsByteLength)
		if v2.V.IsCompressed.Valid && !v2.V.IsCompressed.V {
			return raw, nil
		}
		v2.V.IsCompressed = thrift.New(false)
	}
	const most = 255 // times that LZ4 can make a page larger
	size := int(h.UncompressedPageSize)
	if levels < 0 || levels > len(raw) || size < levels || size > most*len(raw)+64 {
		return nil, errPage
	}
	page := make([]byte, size)
	copy(page, raw[:levels])
	if size == levels {
		return page, nil
	}
	n, err := lz4.UncompressBlock(raw[levels:], page[levels:])
	if err != nil {
		return nil, err
	}
	if n != size-levels {
		return nil, errPage
	}
	return page, nil
}
