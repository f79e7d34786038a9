package list

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// readCSV reads a table with a line of names at its head.
func readCSV(r io.Reader) (*table, error) {
	b := bufio.NewReader(r)
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	head, err := b.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if strings.TrimSpace(head) == "" {
		return nil, errors.New("line 1: must name the columns, such as path,label,split")
	}
	if strings.ContainsRune(head, 0) {
		return nil, errors.New("neither CSV nor Parquet")
	}
	in := csv.NewReader(io.MultiReader(strings.NewReader(head), b))
	switch {
	case strings.ContainsRune(head, ','):
	case strings.ContainsRune(head, '\t'):
		in.Comma = '\t'
	case strings.ContainsRune(head, ';'):
		in.Comma = ';'
	}
	t := &table{unit: "line"}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // it says which line
			return nil, err
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if t.columns == nil {
			t.columns = row
			for i, name := range row {
				if name == "" { // a spreadsheet writes columns that were touched once, pandas its index
					continue
				}
				t.all = append(t.all, name)
				if slices.Contains(row[:i], name) {
					return nil, fmt.Errorf("line 1: two columns are called %q", name)
				}
			}
			continue
		}
		line, _ := in.FieldPos(0)
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
	if len(t.rows) == 0 {
		return nil, errors.New("it names columns, but no image")
	}
	return t, nil
}
