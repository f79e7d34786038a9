package embed

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/half"
)

// stored is an array as another tool stores it.
type stored struct {
	name, descr string
	fortran     bool
	shape       string
	data        []byte
}

func (s stored) npy() []byte {
	order := map[bool]string{true: "True", false: "False"}[s.fortran]
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", s.descr, order, s.shape)
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(out, header...), s.data...)
}

// archive packs arrays, compressed or not.
func archive(t testing.TB, method uint16, arrays map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range arrays {
			if !yield(name) {
				return
			}
		}
	}) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(arrays[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func bytesOf(t testing.TB, order binary.ByteOrder, values any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, order, values); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// utf32 is texts of a width.
func utf32(width int, texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		runes := []rune(text)
		for i := range width {
			var r rune
			if i < len(runes) {
				r = runes[i]
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
	}
	return b
}

// good are the arrays of a file of four images.
func good(t testing.TB) map[string]stored {
	little := binary.LittleEndian
	return map[string]stored{
		"features": {"features", "<f4", false, "(4, 2)", bytesOf(t, little, []float32{1, 2, 3, 4, 5, 6, 7, 8})},
		"labels":   {"labels", "<i8", false, "(4,)", bytesOf(t, little, []int64{7, 3, -1, 7})},
		"ids":      {"ids", "<U2", false, "(4,)", utf32(2, "a", "bb", "ü", "d")},
		"split":    {"split", "<U5", false, "(4,)", utf32(5, "train", "test", "train", "test")},
	}
}

func pack(t testing.TB, arrays map[string]stored) []byte {
	t.Helper()
	all := map[string][]byte{}
	for name, a := range arrays {
		all[name] = a.npy()
	}
	return archive(t, zip.Deflate, all)
}

// TestNamesThatAreNotUTF8: they stay different, are what Python's surrogateescape makes of them, and come back.
func TestNamesThatAreNotUTF8(t *testing.T) {
	names := []string{"a/x\xe8.png", "a/x\xe9.png", "a/ü\xff", "\ufffd", "plain"}
	var b bytes.Buffer
	z := npz{zip.NewWriter(&b)}
	w, err := z.array("features", "<f4", 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		numbers(w, make([]float32, 5), false), z.texts("ids", slices.Values(names), 5), z.zip.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(b.Bytes(), []byte("x\x00\x00\x00\xe8\xdc\x00\x00.")) {
		t.Error("the byte E8 is not U+DCE8")
	}
	file := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if back, err := Read(file, nil); err != nil || !slices.Equal(back.IDs, names) {
		t.Errorf("came back as %q, %v", back.IDs, err)
	}
}

func TestReadTakesOtherTools(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	var halves []uint16
	for i := range 8 {
		halves = append(halves, half.Bits(float32(i+1)))
	}
	wide := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	for name, change := range map[string]func(a map[string]stored){
		"as numpy.savez writes them": func(map[string]stored) {},
		"float64, turned": func(a map[string]stored) {
			turned := []float64{1, 3, 5, 7, 2, 4, 6, 8}
			a["features"] = stored{"features", "<f8", true, "(4, 2)", bytesOf(t, little, turned)}
		},
		"float16": func(a map[string]stored) {
			a["features"] = stored{"", "<f2", false, "(4, 2)", bytesOf(t, little, halves)}
		},
		"big-endian": func(a map[string]stored) { a["features"] = stored{"", ">f8", false, "(4,2)", bytesOf(t, big, wide)} },
		"texts of labels": func(a map[string]stored) {
			a["labels"] = stored{"", "<U1", false, "(4,)", utf32(1, "7", "3", "", "7")}
		},
		"bytes of labels": func(a map[string]stored) {
			a["labels"] = stored{"", "|S2", false, "(4,)", []byte("7\x003\x00\x00\x007\x00")}
		},
		"small labels": func(a map[string]stored) {
			a["labels"] = stored{"", "|i1", false, "(4,)", bytesOf(t, little, []int8{7, 3, -5, 7})}
		},
		"truths of split": func(a map[string]stored) { a["split"] = stored{"", "|b1", false, "(4,)", []byte{0, 1, 0, 1}} },
		"numbers of split": func(a map[string]stored) {
			a["split"] = stored{"", "<u2", false, "(4,)", bytesOf(t, little, []uint16{0, 1, 0, 1})}
		},
		"classes": func(a map[string]stored) {
			a["labels"] = stored{"", "<i4", false, "(4,)", bytesOf(t, little, []int32{1, 0, -1, 1})}
			a["classes"] = stored{"", "<U1", false, "(2,)", utf32(1, "3", "7")}
		},
		"further arrays": func(a map[string]stored) {
			a["losses"] = stored{"", "<f4", false, "(1,)", make([]byte, 4)}
			a["notes"] = stored{"", "|O", false, "(1,)", []byte("pickle")}
			a["logits"] = stored{"", "<f4", false, "(9, 9)", make([]byte, 4*81)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			arrays := good(t)
			change(arrays)
			data := pack(t, arrays)
			table, err := read(bytes.NewReader(data), int64(len(data)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(table.Outputs) != 1 || !slices.Equal(table.Outputs[0].Values, []float32{1, 2, 3, 4, 5, 6, 7, 8}) {
				t.Errorf("outputs %v", table.Outputs)
			}
			if !slices.Equal(table.Labels, []int{1, 0, -1, 1}) || !slices.Equal(table.Classes, []string{"3", "7"}) {
				t.Errorf("labels %v of classes %q", table.Labels, table.Classes)
			}
			if !slices.Equal(table.IDs, []string{"a", "bb", "ü", "d"}) || !slices.Equal(table.Rows(true), []int{1, 3}) {
				t.Errorf("ids %q, test %v", table.IDs, table.Test)
			}
		})
	}
}

func TestReadFindsOutputs(t *testing.T) {
	arrays := good(t)
	arrays["logits"] = stored{"", "<f4", false, "(4, 1)", make([]byte, 16)}
	features := arrays["features"]
	delete(arrays, "split")
	delete(arrays, "ids")
	data := pack(t, arrays)
	names := func(outputs []string) string {
		table, err := read(bytes.NewReader(data), int64(len(data)), outputs)
		if err != nil {
			return err.Error()
		}
		if table.IDs != nil || len(table.Rows(true)) != 4 {
			t.Errorf("ids %v, test %v", table.IDs, table.Test)
		}
		var all []string
		for _, o := range table.Outputs {
			all = append(all, o.Name)
		}
		return strings.Join(all, " ")
	}
	if got := names(nil); got != "features" {
		t.Errorf("outputs %s", got)
	}
	if got := names([]string{"logits", "features"}); got != "logits features" {
		t.Errorf("outputs %s", got)
	}
	if got := names([]string{"z"}); !strings.Contains(got, "no array z") {
		t.Errorf("outputs %s", got)
	}
	delete(arrays, "features")
	arrays["trunk"] = features
	data = pack(t, arrays)
	if got := names(nil); got != "logits trunk" {
		t.Errorf("outputs %s", got)
	}
}

func TestReadRefuses(t *testing.T) {
	little := binary.LittleEndian
	rows := func(values ...float32) []byte { return bytesOf(t, little, values) }
	wide := bytesOf(t, little, []float64{1, 2, 3, 1e300})
	put := func(name, descr, shape string, data []byte) func(map[string]stored) {
		return func(a map[string]stored) { a[name] = stored{name, descr, false, shape, data} }
	}
	for name, c := range map[string]struct {
		change func(a map[string]stored)
		kind   fault.Kind
		says   string
	}{
		"no outputs":  {func(a map[string]stored) { delete(a, "features") }, fault.Data, "no matrix of floats"},
		"one axis":    {put("features", "<f4", "(8,)", make([]byte, 32)), fault.Data, "no matrix"},
		"four axes":   {put("features", "<f4", "(4, 2, 1, 1)", make([]byte, 32)), fault.Data, "[4 2 1 1]"},
		"no columns":  {put("features", "<f4", "(999999999999, 0)", nil), fault.Data, "no matrix"},
		"NaN":         {put("features", "<f4", "(4, 1)", rows(1, 2, float32(math.NaN()), 4)), fault.Numeric, "row 2"},
		"infinity":    {put("features", "<f8", "(4, 1)", wide), fault.Numeric, "Inf"},
		"too short":   {put("features", "<f4", "(4, 200)", rows(1)), fault.Data, "4 bytes of values"},
		"overflow":    {put("features", "<f4", "(9223372036854775807, 9)", rows(1)), fault.Data, "bytes of values"},
		"large shape": {put("features", "<f4", "(99999999999999999999, 9)", rows(1)), fault.Data, "impossible shape"},
		"labels":      {put("labels", "<i8", "(3,)", make([]byte, 24)), fault.Data, "4 images"},
		"floats":      {put("labels", "<f4", "(4,)", rows(1, 2, 3, 4)), fault.Data, "int64"},
		"matrix":      {put("labels", "<i8", "(4, 1)", make([]byte, 32)), fault.Data, "one axis"},
		"objects":     {put("labels", "|O", "(4,)", []byte("pickle")), fault.Data, "neither texts nor"},
		"split":       {put("split", "<U3", "(4,)", utf32(3, "val", "val", "val", "val")), fault.Data, `"val"`},
		"ids":         {put("ids", "<U1", "()", utf32(1, "a")), fault.Data, "ids"},
		"header":      {put("ids", "<U1", "4", nil), fault.Data, "damaged"},
		"class":       {put("classes", "<U1", "(2,)", utf32(1, "a", "b")), fault.Data, "label 7"},
		"class twice": {put("classes", "<U1", "(2,)", utf32(1, "a", "a")), fault.Data, "twice"},
		"name of a class": {func(a map[string]stored) {
			a["classes"] = stored{"", "<U1", false, "(1,)", utf32(1, "a")}
			a["labels"] = stored{"", "<U1", false, "(4,)", utf32(1, "a", "b", "a", "a")}
		}, fault.Data, `"b"`},
	} {
		t.Run(name, func(t *testing.T) {
			arrays := good(t)
			c.change(arrays)
			data := pack(t, arrays)
			_, err := read(bytes.NewReader(data), int64(len(data)), nil)
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
		})
	}
}

// bomb is a small archive that says that it unpacks to 320 MB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed, b bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	header := stored{"", "<f4", false, "(80000000, 1)", nil}.npy()
	if _, err := w.Write(header); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&b)
	entry, err := z.CreateRaw(&zip.FileHeader{Name: "features.npy", Method: zip.Deflate,
		UncompressedSize64: uint64(len(header)) + 4*80000000, CompressedSize64: uint64(packed.Len())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReadDamaged: bytes that are no arrays, and an archive that unpacks to more than it may.
func TestReadDamaged(t *testing.T) {
	whole := pack(t, good(t))
	flipped := archive(t, zip.Store, map[string][]byte{"features": good(t)["features"].npy()})
	flipped[bytes.Index(flipped, []byte("}\n"))+3]++
	version := good(t)["features"].npy()
	version[6] = 2
	copy(version[8:], "\xff\xff\xff\xff")
	for name, data := range map[string][]byte{
		"empty": nil, "no archive": []byte("\x93NUMPY"), "cut off": whole[:len(whole)-30],
		"no array":    archive(t, zip.Store, map[string][]byte{"features": []byte("hello")}),
		"long header": archive(t, zip.Store, map[string][]byte{"features": version}),
		"checksum":    flipped,
		"bomb":        bomb(t),
	} {
		file := filepath.Join(t.TempDir(), "x.npz")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file, nil)
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), file) ||
			name == "bomb" && !strings.Contains(err.Error(), "unpack") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.npz"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzRead: whatever the arrays are, there is a table that holds together or an error.
func FuzzRead(f *testing.F) {
	arrays := good(f)
	f.Add(arrays["features"].npy(), arrays["labels"].npy(), arrays["ids"].npy(), arrays["split"].npy())
	f.Add(stored{"", ">f8", true, "(1, 1)", make([]byte, 8)}.npy(), []byte{}, []byte{}, []byte{})
	f.Add(stored{"", "<f2", false, "(2, 3)", make([]byte, 12)}.npy(), stored{"", "|S1", false, "(2,)", []byte("ab")}.npy(),
		stored{"", "|u1", false, "(2,)", []byte{1, 2}}.npy(), stored{"", "|b1", false, "(2,)", []byte{0, 1}}.npy())
	f.Fuzz(func(t *testing.T, features, labels, ids, split []byte) {
		all := map[string][]byte{"features": features}
		for name, array := range map[string][]byte{"labels": labels, "ids": ids, "split": split} {
			if len(array) > 0 {
				all[name] = array
			}
		}
		data := archive(t, zip.Store, all)
		table, err := read(bytes.NewReader(data), int64(len(data)), nil)
		if err != nil {
			return
		}
		if err := table.check(); err != nil {
			t.Error(err)
		}
		for _, label := range table.Labels {
			if label < -1 || label >= len(table.Classes) {
				t.Errorf("label %d of %d classes", label, len(table.Classes))
			}
		}
	})
}
