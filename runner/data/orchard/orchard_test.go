package orchard

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"ordo/models/golden"
	"ordo/runner/data/source/sourcetest"
)

func newSet(t testing.TB, o Options) *Set {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGolden pins the bytes of pictures of several seeds, splits and sizes. Who changes them on purpose counts
// `drawing` up and runs the test with -update.
func TestGolden(t *testing.T) {
	var got strings.Builder
	fmt.Fprintf(&got, "drawing %d\n", drawing)
	for _, o := range []Options{
		{Seed: 0, Split: Train, ImageSize: 32, Images: 48},
		{Seed: 0, Split: Test, ImageSize: 32, Images: 48},
		{Seed: 1 << 63, Split: Train, ImageSize: 64, Images: 24},
		{Seed: 7, Split: Train, ImageSize: 8, Images: 24},
		{Seed: 7, Split: Test, ImageSize: 225, Images: 12},
	} {
		h := sha256.New()
		s := newSet(t, o)
		for i := range s.Len() {
			m, err := s.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			h.Write(m.Pix)
			h.Write([]byte{byte(s.Label(i))})
		}
		fmt.Fprintf(&got, "seed %d %v, %d images of %d px: %x\n", o.Seed, o.Split, o.Images, o.ImageSize, h.Sum(nil)[:16])
	}
	golden.Compare(t, filepath.Join("testdata", "golden.txt"), got.String())
}

// TestNoFusedArithmetic looks into the code for arm64, where the compiler fuses products and sums unless it
// is forbidden to: there must be no such instruction, or the pictures would depend on the machine.
func TestNoFusedArithmetic(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package")
	}
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	cmd := exec.Command(gotool, "build", "-gcflags=-S", "-o", os.DevNull, ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "FMULD") {
		t.Fatal("the listing has no multiplication: nothing was compiled")
	}
	if lines := regexp.MustCompile(`(?m)^.*\bFN?M(ADD|SUB)[DS]\b.*$`).FindAllString(string(out), 5); lines != nil {
		t.Errorf("fused operations; write the product with mul:\n%s", strings.Join(lines, "\n"))
	}
}

// TestGroupsDifferInOneThing holds the answer key against the table of classes.
func TestGroupsDifferInOneThing(t *testing.T) {
	blank := map[string]func(*class){
		"hue":         func(c *class) { c.hue = -1 },
		"size":        func(c *class) { c.radius = -1 },
		"orientation": func(c *class) { c.turn = -1 },
		"shape":       func(c *class) { c.shape, c.radius = nil, -1 },
	}
	seen := map[int]bool{}
	for _, g := range answerKey() {
		first := classes[g.Classes[0]]
		first.name = ""
		blank[g.Difference](&first)
		for _, label := range g.Classes {
			c := classes[label]
			c.name = ""
			if c == first {
				t.Errorf("%s: nothing left out, yet equal", classes[label].name)
			}
			if blank[g.Difference](&c); c != first {
				t.Errorf("%s differs in more than %s", classes[label].name, g.Difference)
			}
			seen[label] = true
		}
	}
	if len(seen) != len(classNames()) {
		t.Errorf("the key has %d of %d classes", len(seen), len(classNames()))
	}
}

// TestNuisancesIgnoreTheClass draws the same picture for every class: all but the class's own parameters must
// be equal.
func TestNuisancesIgnoreTheClass(t *testing.T) {
	for index := range uint64(200) {
		want := newScene(3, 1, index, &classes[0])
		jitter, lean := want.radius/classes[0].radius, want.turn-classes[0].turn
		for c := range classes {
			got := newScene(3, 1, index, &classes[c])
			if d := got.radius/classes[c].radius - jitter; math.Abs(d) > 1e-12 {
				t.Errorf("image %d: %s has another size jitter", index, classes[c].name)
			}
			if d := got.turn - classes[c].turn - lean; math.Abs(d) > 1e-12 {
				t.Errorf("image %d: %s leans otherwise", index, classes[c].name)
			}
			got.class, got.radius, got.turn, got.skin = want.class, want.radius, want.turn, want.skin
			if got != want {
				t.Fatalf("image %d: %s has other nuisances", index, classes[c].name)
			}
		}
	}
}

func TestLabelsAreBalanced(t *testing.T) {
	s := newSet(t, Options{Seed: 5, ImageSize: 8, Images: 1200})
	n := len(s.Classes())
	cyclic := true
	for block := 0; block < s.Len(); block += n {
		seen := make([]bool, n)
		for i := range n {
			seen[s.Label(block+i)] = true
			cyclic = cyclic && s.Label(block+i) == s.Label(i)
		}
		if slices.Contains(seen, false) {
			t.Fatalf("images %d to %d don't show every class", block, block+n-1)
		}
	}
	if cyclic {
		t.Error("every block has the same order")
	}
}

// TestEveryKeyMatters: another seed, split or index is another picture, another number of images is not.
func TestEveryKeyMatters(t *testing.T) {
	base := Options{Seed: 1, ImageSize: 16, Images: 40}
	seed, split, more := base, base, base
	seed.Seed, split.Split, more.Images = 2, Test, 80
	key := func(s *Set, i int) string {
		m, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		return string(m.Pix)
	}
	seen := map[string]bool{}
	for _, o := range []Options{base, seed, split} {
		s := newSet(t, o)
		for i := range s.Len() {
			seen[key(s, i)] = true
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d of 120 pictures are different", len(seen))
	}
	a, b := newSet(t, base), newSet(t, more)
	if key(a, 39) != key(b, 39) || a.Label(39) != b.Label(39) || a.ID(39) != b.ID(39) {
		t.Error("the number of images changes their content")
	}
	if a.Fingerprint() == b.Fingerprint() || a.Fingerprint() == newSet(t, split).Fingerprint() ||
		a.Fingerprint() != newSet(t, base).Fingerprint() {
		t.Error("the fingerprint doesn't tell the sets apart")
	}
}

// TestConcurrent: any number of goroutines get the same bytes.
func TestConcurrent(t *testing.T) {
	s := newSet(t, Options{ImageSize: 16, Images: 24})
	var want [][]uint8
	for i := range s.Len() {
		m, err := s.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, m.Pix)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range s.Len() {
				if m, err := s.Image(i); err != nil || !slices.Equal(m.Pix, want[i]) {
					t.Errorf("image %d differs: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPromises(t *testing.T) {
	sourcetest.Check(
		t,
		newSet(t, Options{ImageSize: 8, Images: 12}),
		newSet(t, Options{ImageSize: 8, Images: 12, Split: Test}),
	)
}

func TestBounds(t *testing.T) {
	for _, o := range []Options{{ImageSize: 7, Images: 1}, {ImageSize: 8, Images: 0}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	s := newSet(t, Options{ImageSize: 8, Images: 3})
	for _, i := range []int{-1, 3} {
		if _, err := s.Image(i); err == nil {
			t.Errorf("image %d of 3", i)
		}
	}
}

func TestSine(t *testing.T) {
	for k := -3000; k <= 3000; k++ {
		turns := float64(k) / 777
		sin, cos := sincos(turns)
		wantSin, wantCos := math.Sincos(2 * math.Pi * turns)
		if math.Abs(sin-wantSin) > 1e-7 || math.Abs(cos-wantCos) > 1e-7 {
			t.Fatalf("%v turns: %v, %v", turns, sin, cos)
		}
	}
}

// TestYIQ: hue moves no luma.
func TestYIQ(t *testing.T) {
	for hue := 0.0; hue < 1; hue += 0.01 {
		c := yiq(0.4, 0.3, hue)
		if luma := 0.299*c.r + 0.587*c.g + 0.114*c.b; math.Abs(luma-0.4) > 1e-3 {
			t.Fatalf("hue %v: luma %v", hue, luma)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, size := range []int{32, 64, 224} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newSet(b, Options{ImageSize: size, Images: 1200})
			i := 0
			for b.Loop() {
				if _, err := s.Image(i % 1200); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
