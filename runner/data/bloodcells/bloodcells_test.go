package bloodcells

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

var kinds = []string{"EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"}

// four is the layout of the four classes.
func four(t testing.TB) map[string][]byte {
	t.Helper()
	raw := sourcetest.JPEG(t, 320, 240, color.White)
	files := map[string][]byte{"labels.csv": nil}
	for i, kind := range kinds {
		files[fmt.Sprintf("images/TRAIN/%s/_%d_1169.jpeg", kind, i)] = raw
		files[fmt.Sprintf("images/TRAIN/%s/_%d_207.jpeg", kind, i)] = raw
		files[fmt.Sprintf("images/TEST/%s/_%d_5.jpeg", kind, i)] = raw
		files[fmt.Sprintf("images/TEST_SIMPLE/%s/_%d_9.jpeg", kind, i)] = raw
	}
	return files
}

// annotation is a file of Pascal VOC as BCCD has it.
func annotation(boxes ...string) []byte {
	var b strings.Builder
	b.WriteString("<annotation verified=\"no\">\n\t<folder>RBC</folder>\n\t<filename>BloodImage_00000.jpg</filename>\n" +
		"\t<size><width>640</width><height>480</height><depth>3</depth></size>\n\t<segmented>0</segmented>\n")
	for _, box := range boxes {
		var name string
		var x0, y0, x1, y1 int
		if _, err := fmt.Sscan(box, &name, &x0, &y0, &x1, &y1); err != nil {
			panic(err)
		}
		fmt.Fprintf(
			&b,
			"\t<object>\n\t\t<name>%s</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"+
				"\t\t<difficult>0</difficult>\n"+
				"\t\t<bndbox>\n\t\t\t<xmin>%d</xmin>\n\t\t\t<ymin>%d</ymin>\n\t\t\t<xmax>%d</xmax>\n\t\t\t<ymax>%d</ymax>\n"+
				"\t\t</bndbox>\n\t</object>\n",
			name,
			x0,
			y0,
			x1,
			y1,
		)
	}
	b.WriteString("</annotation>\n")
	return []byte(b.String())
}

// bccd is the layout of BCCD with four photographs.
func bccd(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{
		"ImageSets/Main/train.txt":         []byte("BloodImage_00001\n"),
		"ImageSets/Main/val.txt":           []byte("BloodImage_00338\n"),
		"ImageSets/Main/trainval.txt":      []byte("BloodImage_00001\nBloodImage_00338\n"),
		"ImageSets/Main/test.txt":          []byte("BloodImage_00000\r\nBloodImage_00007\r\n"),
		"Annotations/BloodImage_00000.xml": annotation("WBC 10 20 60 50"),
		"Annotations/BloodImage_00001.xml": annotation("WBC 0 0 30 20", "RBC 5 6 15 26", "Platelets 90 70 110 90"),
		"Annotations/BloodImage_00007.xml": annotation(),
		"Annotations/BloodImage_00338.xml": annotation("RBC 5 5 5 5", "RBC 1 1 21 31"),
	}
	for _, name := range []string{"00000", "00001", "00007", "00338"} {
		files["JPEGImages/BloodImage_"+name+".jpg"] = sourcetest.JPEG(t, 100, 80, color.White)
	}
	return files
}

func under(below string, files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, raw := range files {
		out[below+name] = raw
	}
	return out
}

func TestFourClasses(t *testing.T) {
	archive := under("dataset2-master/dataset2-master/", four(t))
	for name, raw := range under("dataset-master/dataset-master/", bccd(t)) { // as the archive has it
		archive[name] = raw
	}
	for name, files := range map[string]map[string][]byte{
		"alone": four(t), "archive": archive, "images": under("", four(t)),
	} {
		train, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), TestFraction: 0.2})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sourcetest.Check(t, train, test)
		if !slices.Equal(train.Classes(), kinds) || train.Len() != 8 || test.Len() != 4 ||
			train.ID(0) != "TRAIN/EOSINOPHIL/_0_1169.jpeg" {
			t.Errorf("%s: %q and %q", name, sourcetest.IDs(train), sourcetest.IDs(test))
		}
	}
}

func TestBCCD(t *testing.T) {
	for _, drop := range []string{"", "trainval.txt"} {
		files := under("BCCD_Dataset-master/BCCD/", bccd(t))
		delete(files, "BCCD_Dataset-master/BCCD/ImageSets/Main/"+drop)
		train, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), TestFraction: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		// The box of one pixel is left out, and a photograph may have no cell.
		if want := []string{
			"BloodImage_00001#0",
			"BloodImage_00001#1",
			"BloodImage_00001#2",
			"BloodImage_00338#1",
		}; !slices.Equal(
			sourcetest.IDs(train),
			want,
		) {
			t.Errorf("%q", sourcetest.IDs(train))
		}
		if want := []string{"WBC", "RBC", "Platelets", "RBC"}; !slices.Equal(sourcetest.Labels(train), want) {
			t.Errorf("%q", sourcetest.Labels(train))
		}
		if want := []string{"Platelets", "RBC", "WBC"}; !slices.Equal(test.Classes(), want) || test.Len() != 1 {
			t.Errorf("%q", test.Classes())
		}
		for i, want := range [][2]int{{30, 20}, {10, 20}, {10, 10}, {20, 30}} {
			if m, err := train.Image(i); err != nil || [2]int{m.Width, m.Height} != want {
				t.Errorf("%s: %d x %d, %v", train.ID(i), m.Width, m.Height, err)
			}
		}
	}
}

// TestBCCDWithoutLists: the cells of a photograph stay together.
func TestBCCDWithoutLists(t *testing.T) {
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("Annotations/BloodImage_%05d.xml", i)] = annotation("RBC 0 0 9 9", "WBC 2 2 8 8")
		files[fmt.Sprintf("JPEGImages/BloodImage_%05d.jpg", i)] = sourcetest.JPEG(t, 16, 16, color.White)
	}
	train, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), TestFraction: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Check(t, train, test)
	photos := func(s source.Set) map[string]bool {
		out := map[string]bool{}
		for _, id := range sourcetest.IDs(s) {
			out[strings.Split(id, "#")[0]] = true
		}
		return out
	}
	a, b := photos(train), photos(test)
	if len(a)+len(b) != 20 || train.Len() != 2*len(a) || test.Len() != 2*len(b) {
		t.Errorf("%d and %d photographs", len(a), len(b))
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string][]byte)
		want   string
	}{
		"nothing": {func(f map[string][]byte) { clear(f) }, "holds neither TRAIN and TEST nor Annotations and JPEGImages"},
		"not XML": {func(f map[string][]byte) { f["Annotations/BloodImage_00001.xml"] = []byte("dear diary") },
			"BloodImage_00001.xml: not an annotation"},
		"cut XML": {func(f map[string][]byte) {
			f["Annotations/BloodImage_00001.xml"] = annotation("RBC 1 2 3 4")[:200]
		}, "XML syntax error on line"},
		"no number": {func(f map[string][]byte) {
			f["Annotations/BloodImage_00001.xml"] = bytes.ReplaceAll(annotation("RBC 1 2 3 4"), []byte("<xmin>1"),
				[]byte("<xmin>one"))
		}, "\"one\""},
		"no name": {func(f map[string][]byte) {
			f["Annotations/BloodImage_00001.xml"] = bytes.ReplaceAll(annotation("RBC 1 2 3 4"), []byte("<name>RBC"),
				[]byte("<name>"))
		}, "object 0 has no name"},
		"missing": {func(f map[string][]byte) { delete(f, "Annotations/BloodImage_00338.xml") },
			"BloodImage_00338.xml: there is no such file"},
		"bad list": {func(f map[string][]byte) { f["ImageSets/Main/test.txt"] = []byte("BloodImage_00000 1\n") },
			"test.txt: line 1: \"BloodImage_00000 1\" is no name of an image"},
		"twice": {func(f map[string][]byte) { f["ImageSets/Main/test.txt"] = []byte("a\na\n") },
			"test.txt: line 2: a is listed twice"},
		"empty list": {func(f map[string][]byte) { f["ImageSets/Main/test.txt"] = nil },
			"4 boxes for training and 0 for testing"},
	} {
		files := bccd(t)
		c.change(files)
		_, _, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), TestFraction: 0.2})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if name == "nothing" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAnnotation(f *testing.F) {
	f.Add(annotation("RBC 1 2 3 4", "WBC 0 0 99 -3"))
	f.Add([]byte("<annotation><object><bndbox/></object></annotation>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, err := decode(bytes.NewReader(raw))
		for _, o := range objects {
			if err == nil && o.Name == "" {
				t.Error("an object without a name")
			}
		}
	})
}

func Example() {
	objects, err := decode(bytes.NewReader(annotation("WBC 260 177 491 376")))
	fmt.Println(objects[0].Name, objects[0].Box.XMin, objects[0].Box.YMax, err)
	// Output:
	// WBC 260 376 <nil>
}
