package folder

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/augment"
)

var options = Options{ShortSide: 16, TestFraction: 0.2}

// plain is an image of one colour.
func plain(width, height int, c color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	return m
}

func pngOf(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegOf(m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// write makes a folder of these files; a name that ends in a slash is an empty folder.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, raw := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == path {
			continue
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, o Options) (train, test *Set) {
	t.Helper()
	train, test, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

func at(root string) Options {
	o := options
	o.Root = root
	return o
}

// many is a root without train and test folders: 60 images of two classes, each of another grey.
func many() map[string][]byte {
	files := map[string][]byte{}
	for i := range 60 {
		class := []string{"cat", "dog"}[i%2]
		files[fmt.Sprintf("%s/%02d.png", class, i)] = pngOf(plain(4, 4, color.Gray{uint8(i)}))
	}
	return files
}

func TestTrainAndTest(t *testing.T) {
	red := jpegOf(plain(8, 8, color.NRGBA{255, 0, 0, 255}))
	blue := pngOf(plain(8, 6, color.NRGBA{0, 0, 255, 255}))
	for _, second := range []string{"test", "val"} {
		root := write(t, map[string][]byte{
			"train/b/2.JPG": red, "train/b/10.png": blue, "train/a/x.jpeg": blue, "train/a/.hidden.jpg": nil, "train/a/notes.txt": nil,
			"train/.git/x.png": nil, "readme.md": nil, second + "/b/1.Png": blue,
		})
		train, test := read(t, at(root))
		if want := []string{"train/a/x.jpeg", "train/b/10.png", "train/b/2.JPG"}; !slices.Equal(train.ids, want) {
			t.Errorf("training images %v", train.ids)
		}
		if want := []int{0, 1, 1}; !slices.Equal(train.labels, want) {
			t.Errorf("labels %v", train.labels)
		}
		if want := []string{"a", "b"}; !slices.Equal(train.Classes(), want) || !slices.Equal(test.Classes(), want) {
			t.Errorf("classes %v and %v", train.Classes(), test.Classes())
		}
		if test.Len() != 1 || test.ID(0) != second+"/b/1.Png" || test.Label(0) != 1 {
			t.Errorf("test images %v", test.ids)
		}
		m, err := train.Image(2)
		if err != nil || m.Width != 8 || m.Height != 8 || m.Pix[0] < 250 || m.Pix[1] > 5 || m.Pix[2] > 5 {
			t.Errorf("the red one: %v %v %v", m.Width, m.Pix[:3], err)
		}
		for _, i := range []int{-1, 3} {
			if _, err := train.Image(i); err == nil {
				t.Errorf("image %d of 3", i)
			}
		}
	}
}

// TestTestBeforeVal: with all three folders, val is neither trained on nor tested.
func TestTestBeforeVal(t *testing.T) {
	raw := pngOf(plain(4, 4, color.White))
	_, test := read(t, at(write(t, map[string][]byte{"train/a/1.png": raw, "val/a/2.png": raw, "test/a/3.png": raw})))
	if !slices.Equal(test.ids, []string{"test/a/3.png"}) {
		t.Errorf("test images %v", test.ids)
	}
}

func TestSplit(t *testing.T) {
	files := many()
	train, test := read(t, at(write(t, files)))
	if train.Len()+test.Len() != 60 || test.Len() < 5 || test.Len() > 20 {
		t.Fatalf("%d and %d images", train.Len(), test.Len())
	}
	for _, s := range []*Set{train, test} {
		if !slices.IsSorted(s.ids) {
			t.Errorf("not sorted: %v", s.ids)
		}
	}
	// Removing one image moves no other.
	gone := train.ID(3)
	delete(files, gone)
	fewer, sameTest := read(t, at(write(t, files)))
	if want := slices.Delete(slices.Clone(train.ids), 3, 4); !slices.Equal(fewer.ids, want) || !slices.Equal(sameTest.ids, test.ids) {
		t.Errorf("removing %s moved others", gone)
	}
	o := at(write(t, many()))
	o.Seed = 1
	if _, other := read(t, o); slices.Equal(other.ids, test.ids) {
		t.Error("the seed doesn't matter")
	}
}

func TestLimits(t *testing.T) {
	o := at(write(t, many()))
	all, _ := read(t, o)
	o.Images, o.TestImages = 20, 3
	train, test := read(t, o)
	if train.Len() != 20 || test.Len() != 3 {
		t.Fatalf("%d and %d images", train.Len(), test.Len())
	}
	cats := 0
	for i, id := range train.ids {
		if !slices.Contains(all.ids, id) {
			t.Errorf("%s is none of the training images", id)
		}
		if train.Label(i) == 0 {
			cats++
		}
	}
	if !slices.IsSorted(train.ids) || cats == 0 || cats == 20 {
		t.Errorf("%d cats among 20, ids %v", cats, train.ids)
	}
}

// TestWorkers: the result doesn't depend on how many decode.
func TestWorkers(t *testing.T) {
	o := at(write(t, many()))
	many, _ := read(t, o)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, _ := read(t, o)
	if one.Fingerprint() != many.Fingerprint() || !slices.Equal(one.ids, many.ids) {
		t.Error("another result with one worker")
	}
	for i := range one.images {
		if !slices.Equal(one.images[i].Pix, many.images[i].Pix) {
			t.Errorf("image %d differs", i)
		}
	}
}

func TestFingerprint(t *testing.T) {
	fingerprint := func(change func(map[string][]byte, *Options)) string {
		files, o := many(), options
		change(files, &o)
		o.Root = write(t, files)
		train, _ := read(t, o)
		return train.Fingerprint()
	}
	want := fingerprint(func(map[string][]byte, *Options) {})
	if again := fingerprint(func(map[string][]byte, *Options) {}); again != want {
		t.Error("it depends on where the folder is")
	}
	train, _ := read(t, at(write(t, many())))
	first := train.ID(0)
	for name, change := range map[string]func(map[string][]byte, *Options){
		"content":    func(f map[string][]byte, _ *Options) { f[first] = pngOf(plain(4, 4, color.White)) },
		"removed":    func(f map[string][]byte, _ *Options) { delete(f, first) },
		"short side": func(_ map[string][]byte, o *Options) { o.ShortSide = 2 },
		"split":      func(_ map[string][]byte, o *Options) { o.TestFraction = 0.5 },
	} {
		if fingerprint(change) == want {
			t.Errorf("%s: the fingerprint is the same", name)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	root := write(t, many())
	link := t.TempDir()
	for _, class := range []string{"cat", "dog"} {
		if err := os.Symlink(filepath.Join(root, class), filepath.Join(link, class)); err != nil {
			t.Skip(err)
		}
	}
	a, _ := read(t, at(root))
	b, _ := read(t, at(link))
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("links to folders are read otherwise")
	}
}

func TestErrors(t *testing.T) {
	good := pngOf(plain(4, 4, color.White))
	photo := jpegOf(plain(40, 40, color.NRGBA{200, 100, 50, 255}))
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"empty":           {map[string][]byte{}, "holds no folders; put the images of each class"},
		"files only":      {map[string][]byte{"a.png": good}, "holds no folders"},
		"empty class":     {map[string][]byte{"a/1.png": good, "b/": nil}, "b: a class with no JPEG or PNG image; add some"},
		"nested":          {map[string][]byte{"a/b/1.png": good}, "with 1 folders, which are not read; move the images up"},
		"one image":       {map[string][]byte{"a/1.png": good}, "splitting its 1 images leaves"},
		"unknown class":   {map[string][]byte{"train/a/1.png": good, "test/b/1.png": good}, "b is a class without training images"},
		"empty split":     {map[string][]byte{"train/a/1.png": good, "test/": nil}, "test holds no folders"},
		"webp":            {map[string][]byte{"train/a/1.WebP": good, "test/a/1.png": good}, "1.WebP: .webp images can't be read; convert it"},
		"zero bytes":      {map[string][]byte{"train/a/1.png": {}, "test/a/1.png": good}, "1.png: an empty file; remove it or replace it"},
		"not an image":    {map[string][]byte{"train/a/1.png": []byte("hello"), "test/a/1.png": good}, "not a JPEG or PNG image (begins with 68 65 6c 6c)"},
		"cut PNG":         {map[string][]byte{"train/a/1.png": good[:len(good)-14], "test/a/1.png": good}, "a PNG image that is cut off; remove it or replace it"},
		"cut JPEG":        {map[string][]byte{"train/a/1.jpg": photo[:len(photo)*3/4], "test/a/1.png": good}, "a JPEG image that is cut off"},
		"JPEG of 2 bytes": {map[string][]byte{"train/a/1.jpg": photo[:2], "test/a/1.png": good}, "a JPEG image that is cut off"},
		"damaged PNG":     {map[string][]byte{"train/a/1.png": slices.Concat(good[:45], []byte{9, 9, 9, 9}, good[49:]), "test/a/1.png": good}, "a damaged PNG image"},
		"giant":           {map[string][]byte{"train/a/1.png": giant(), "test/a/1.png": good}, "a PNG image of 60000 x 60000 pixels, the limit is 67 million"},
		"a folder":        {map[string][]byte{"train/a/1.png": good, "train/a/2.png/": nil, "test/a/b.png/": nil}, "with 1 folders"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Read(context.Background(), at(write(t, c.files)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, _, err := Read(context.Background(), at(filepath.Join(t.TempDir(), "missing"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing root: %v", err)
	}
}

// giant is a PNG file whose header claims 60000 x 60000 pixels.
func giant() []byte {
	raw := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x02\x00\x00\x00")
	return binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw[12:]))
}

// TestFirstFailure: of several unreadable images the first is reported, however the work falls out.
func TestFirstFailure(t *testing.T) {
	files := many()
	for name := range files {
		if strings.HasPrefix(name, "dog") {
			files[name] = []byte("no")
		}
	}
	root := write(t, files)
	_, _, err := Read(context.Background(), at(root))
	if err == nil {
		t.Fatal("no error")
	}
	for range 20 {
		if _, _, again := Read(context.Background(), at(root)); again == nil || again.Error() != err.Error() {
			t.Fatalf("%v, then %v", err, again)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Read(ctx, at(write(t, many()))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestColours(t *testing.T) {
	grey16 := image.NewGray16(image.Rect(0, 0, 1, 1))
	grey16.SetGray16(0, 0, color.Gray16{0x80ff})
	deep := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	deep.SetNRGBA64(0, 0, color.NRGBA64{0x1234, 0x56ff, 0xffff, 0xffff})
	palette := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.NRGBA{10, 20, 30, 255}})
	grey := image.NewGray(image.Rect(0, 0, 1, 1))
	grey.Pix[0] = 77
	for name, c := range map[string]struct {
		raw  []byte
		want []uint8
		slop int
	}{
		"RGB":              {pngOf(plain(1, 1, color.NRGBA{1, 2, 3, 255})), []uint8{1, 2, 3}, 0},
		"transparent":      {pngOf(plain(1, 1, color.NRGBA{1, 2, 3, 0})), []uint8{255, 255, 255}, 0},
		"half transparent": {pngOf(plain(1, 1, color.NRGBA{0, 100, 200, 128})), []uint8{127, 177, 227}, 1},
		"grey":             {pngOf(grey), []uint8{77, 77, 77}, 0},
		"grey, 16 bits":    {pngOf(grey16), []uint8{128, 128, 128}, 0},
		"RGB, 16 bits":     {pngOf(deep), []uint8{0x12, 0x56, 0xff}, 0},
		"palette":          {pngOf(palette), []uint8{10, 20, 30}, 0},
		"JPEG":             {jpegOf(plain(1, 1, color.NRGBA{200, 100, 50, 255})), []uint8{200, 100, 50}, 3},
		"grey JPEG":        {jpegOf(grey), []uint8{77, 77, 77}, 1},
		"CMYK JPEG":        {cmykJPEG(55, 155, 205, 0), []uint8{200, 100, 50}, 1},
	} {
		m, err := Decode(c.raw, 16)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for k, want := range c.want {
			if d := int(m.Pix[k]) - int(want); d < -c.slop || d > c.slop {
				t.Errorf("%s: got %v, want %v within %d", name, m.Pix[:3], c.want, c.slop)
				break
			}
		}
	}
}

// cmykJPEG is a JPEG of 8 x 8 pixels of one colour, written bit by bit, for the standard library encodes no
// CMYK. Adobe's way, the one that is around, stores each component as its complement. A block has its mean
// only: 4 bits for the number of bits of the mean, these bits, and one bit that ends the block.
func cmykJPEG(c, m, y, k uint8) []byte {
	out := []byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00") // complement, no transform
	out = append(out, 0xff, 0xdb, 0, 67, 0)
	out = append(out, bytes.Repeat([]byte{8}, 64)...)      // quantisation: the mean is stored in steps of 1
	out = append(out, 0xff, 0xc0, 0, 20, 8, 0, 8, 0, 8, 4) // 8 bits, 8 x 8 pixels, 4 components
	out = append(out, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)
	out = append(out, 0xff, 0xc4, 0, 19+9, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = append(out, 0, 1, 2, 3, 4, 5, 6, 7, 8) // nine codes of 4 bits: code i says i bits
	out = append(out, 0xff, 0xc4, 0, 19+1, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = append(out, 0) // one code of 1 bit: end of block
	out = append(out, 0xff, 0xda, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)
	code := ""
	for _, v := range []uint8{c, m, y, k} {
		mean := int(255-v) - 128
		size := bits.Len(uint(max(mean, -mean)))
		if mean < 0 {
			mean += 1<<size - 1
		}
		code += fmt.Sprintf("%04b", size)
		if size > 0 {
			code += fmt.Sprintf("%0*b", size, mean)
		}
		code += "0"
	}
	for code += strings.Repeat("1", 7); len(code) >= 8; code = code[8:] {
		b, err := strconv.ParseUint(code[:8], 2, 8)
		if err != nil {
			panic(err)
		}
		if out = append(out, byte(b)); b == 0xff {
			out = append(out, 0)
		}
	}
	return append(out, 0xff, 0xd9)
}

func TestReducedSize(t *testing.T) {
	for _, c := range []struct{ width, height, wantWidth, wantHeight int }{
		{16, 16, 16, 16}, {17, 17, 16, 16}, {64, 32, 32, 16}, {30, 99, 16, 53}, {8, 500, 8, 500}, {3000, 17, 2824, 16},
	} {
		m, err := Decode(pngOf(plain(c.width, c.height, color.NRGBA{250, 128, 3, 255})), 16)
		if err != nil {
			t.Fatal(err)
		}
		if m.Width != c.wantWidth || m.Height != c.wantHeight || len(m.Pix) != 3*m.Width*m.Height {
			t.Errorf("%d x %d became %d x %d", c.width, c.height, m.Width, m.Height)
		}
		for i, v := range m.Pix {
			if v != []uint8{250, 128, 3}[i%3] {
				t.Fatalf("%d x %d: one colour became several", c.width, c.height)
			}
		}
	}
}

// TestReduce holds the reduction against the definition, in floating point.
func TestReduce(t *testing.T) {
	for _, c := range []struct{ width, height, toWidth, toHeight int }{{6, 4, 3, 2}, {7, 5, 3, 2}, {13, 9, 12, 5}, {5, 5, 5, 5}, {9, 1, 2, 1}} {
		m := augment.Image{Width: c.width, Height: c.height, Pix: make([]uint8, 3*c.width*c.height)}
		for i := range m.Pix {
			m.Pix[i] = uint8(i * i * 37)
		}
		got := reduce(m, c.toWidth, c.toHeight)
		overlap := func(old, i, from, to int) float64 { // of old pixel `old` with new pixel i, in old pixels
			s := float64(from) / float64(to)
			return max(0, min(float64(old+1), float64(i+1)*s)-max(float64(old), float64(i)*s))
		}
		for j := range c.toHeight {
			for i := range c.toWidth {
				for k := range 3 {
					sum, area := 0.0, 0.0
					for y := range c.height {
						for x := range c.width {
							w := overlap(x, i, c.width, c.toWidth) * overlap(y, j, c.height, c.toHeight)
							sum += w * float64(m.Pix[3*(y*c.width+x)+k])
							area += w
						}
					}
					if d := float64(got.Pix[3*(j*c.toWidth+i)+k]) - sum/area; d > 0.5001 || d < -0.5001 {
						t.Errorf("%+v: pixel (%d, %d) is off by %v", c, i, j, d)
					}
				}
			}
		}
	}
}

// FuzzDecode: nothing panics, and what is accepted is an image within the bounds.
func FuzzDecode(f *testing.F) {
	f.Add(pngOf(plain(5, 4, color.NRGBA{1, 2, 3, 128})))
	f.Add(pngOf(image.NewPaletted(image.Rect(0, 0, 3, 3), color.Palette{color.Black, color.White})))
	f.Add(jpegOf(plain(20, 9, color.White)))
	f.Add(cmykJPEG(1, 2, 3, 4))
	f.Add(giant())
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Decode(raw, 8)
		if err != nil {
			return
		}
		if m.Width < 1 || m.Height < 1 || min(m.Width, m.Height) > 8 || len(m.Pix) != 3*m.Width*m.Height {
			t.Fatalf("%d x %d with %d bytes", m.Width, m.Height, len(m.Pix))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 500, 375))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i>>7) | uint8(i%4/3*255)
	}
	for name, raw := range map[string][]byte{"jpeg": jpegOf(m), "png": pngOf(m)} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				if _, err := Decode(raw, 64); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func ExampleDecode() {
	raw := pngOf(plain(400, 200, color.NRGBA{255, 0, 0, 128})) // half transparent red
	m, err := Decode(raw, 64)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Width, m.Height, m.Pix[:3])
	_, err = Decode(raw[:len(raw)-20], 64)
	fmt.Println(err)
	// Output:
	// 128 64 [255 127 127]
	// a PNG image that is cut off
}
