package tensorboard

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"ordo/models/fault"
)

// The events of testdata/events, which TensorBoard's own writer of records wrote:
//
//	w = RecordWriter(file)  # of tensorboard.summary.writer.record_writer, version 2.21.0
//	w.write(Event(wall_time=1700000000.25, file_version="brain.Event:2").SerializeToString())
//	w.write(Event(wall_time=1700000001.5, step=1, summary=Summary(value=[…])).SerializeToString())
var (
	began  = time.Unix(1_700_000_000, 250e6)
	stored = []Event{
		{began.Add(1250 * time.Millisecond), 1, []Scalar{{"loss", 0.5}, {"terms/order", -1.25}}},
		{began.Add(2500 * time.Millisecond), 300, []Scalar{{"evaluation/knn.features", 0.875}}},
	}
)

func storedFile(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "events"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBytesAreTensorBoards(t *testing.T) {
	want := storedFile(t)
	got := Header(began)
	for _, e := range stored {
		got = Append(got, e)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("wrote\n%x, want\n%x", got, want)
	}
	events, whole, err := Parse(want)
	if err != nil || whole != len(want) || !reflect.DeepEqual(events, stored) {
		t.Errorf("read %+v, %d of %d bytes, %v", events, whole, len(want), err)
	}
}

func TestDamage(t *testing.T) {
	file := storedFile(t)
	second := len(Append(Header(began), stored[0]))
	for n := range file {
		events, whole, err := Parse(file[:n])
		want := 0
		if n >= second {
			want = 1
		}
		if err != nil || whole > n || len(events) != want {
			t.Errorf("cut after %d bytes: %d events, %d whole bytes, %v", n, len(events), whole, err)
		}
		changed := bytes.Clone(file)
		changed[n] ^= 16
		if events, _, err := Parse(changed); err == nil {
			t.Errorf("byte %d changed: %d events and no error", n, len(events))
		}
	}
}

func TestFileGoesOnBehindWhatIsWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tensorboard")
	f, events, err := Open(dir)
	if err != nil || len(events) != 0 {
		t.Fatal(events, err)
	}
	if err := errors.Join(f.Add(stored[:1]), f.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := Append(bytes.Clone(text), stored[1])
	if err := os.WriteFile(path, torn[:len(torn)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	f, events, err = Open(dir)
	if err != nil || !reflect.DeepEqual(events, stored[:1]) {
		t.Fatal(events, err)
	}
	if err := errors.Join(f.Add(stored[1:]), f.Close()); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(path); err != nil || !bytes.Equal(text, torn) {
		t.Errorf("the file is %x, want %x (%v)", text, torn, err)
	}
}

func TestOpenErrors(t *testing.T) {
	damaged := bytes.Clone(storedFile(t))
	damaged[20] ^= 1
	elsewhere := t.TempDir()
	for _, c := range []struct {
		name string
		make func(dir string) error
		kind fault.Kind
	}{
		{"damaged", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, FileName), damaged, 0o600))
		}, fault.Data},
		{"a file in the folder's place", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, fault.Storage},
		{"a link in the folder's place", func(dir string) error { return os.Symlink(elsewhere, dir) }, fault.Storage},
		{"a link in the file's place", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700),
				os.Symlink(filepath.Join(elsewhere, "x"), filepath.Join(dir, FileName)))
		}, fault.Storage},
		{"no run folder", func(dir string) error { return os.Remove(filepath.Dir(dir)) }, fault.Storage},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run", "tensorboard")
			if err := errors.Join(os.Mkdir(filepath.Dir(dir), 0o700), c.make(dir)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Open(dir); fault.KindOf(err) != c.kind {
				t.Errorf("error %v of kind %q, want %q", err, fault.KindOf(err), c.kind)
			}
		})
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("wrote %v through a link, %v", left, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(storedFile(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		events, whole, err := Parse(data)
		if err != nil {
			return
		}
		again, _, err := Parse(data[:whole])
		if err != nil || len(again) != len(events) {
			t.Errorf("%d events, then %d, %v", len(events), len(again), err)
		}
		// Few inputs have right checksums, so the messages are tried by themselves.
		_, _ = parseEvent(data)
	})
}
