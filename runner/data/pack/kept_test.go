package pack

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestList(t *testing.T) {
	j := job(t, &drawn{n: 6})
	open := mustPack(t, j)
	other := j
	other.Name, other.Set = "x-test", &drawn{n: 3, version: "2"}
	closed, err := other.Pack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"mine-0123456789abcdef.ordopack": "dear diary, this is no pack", "photos.ordopack": magic, "notes.txt": "",
		"cut-0123456789abcdef.ordopack": magic + "cut off", "y-0123456789abcdef.ordopack.partial": magic,
	} {
		if err := os.WriteFile(filepath.Join(j.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Unix(1e9, 0)
	for i, path := range []string{filepath.Join(j.Dir, "cut-0123456789abcdef.ordopack"), closed.Path(), open.Path()} {
		if err := os.Chtimes(path, at.Add(time.Duration(i)*time.Hour), at); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(j.Dir)
	if err != nil || len(all) != 3 {
		t.Fatalf("%v: %+v", err, all)
	}
	want := []Kept{
		{open.Path(), "drawn-train", 6, open.Size(), at.Add(2 * time.Hour), true},
		{closed.Path(), "x-test", 3, closed.Size(), at.Add(time.Hour), false},
		{filepath.Join(j.Dir, "cut-0123456789abcdef.ordopack"), "cut", 0, int64(len(magic) + 7), at, false},
	}
	for i, k := range all {
		if !k.Used.Equal(want[i].Used) {
			t.Errorf("%s was used at %v, want %v", k.File, k.Used, want[i].Used)
		}
		k.Used = want[i].Used
		if k != want[i] {
			t.Errorf("%+v, want %+v", k, want[i])
		}
	}
	if removed, err := all[0].Remove(); removed || err != nil {
		t.Errorf("one in use was removed: %t, %v", removed, err)
	}
	if removed, err := all[1].Remove(); !removed || err != nil {
		t.Errorf("%t, %v", removed, err)
	}
	if removed, err := all[1].Remove(); removed || err != nil {
		t.Errorf("removed twice: %t, %v", removed, err)
	}
	if left, err := List(j.Dir); err != nil || len(left) != 2 {
		t.Errorf("%v: %+v", err, left)
	}
	if none, err := List(filepath.Join(j.Dir, "none")); err != nil || len(none) > 0 {
		t.Errorf("%v: %+v", err, none)
	}
	again, err := other.Pack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all, err := List(j.Dir); err != nil || !all[0].InUse || all[0].File != again.Path() {
		t.Errorf("what was just packed isn't in use: %v, %+v", err, all)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestPrune(t *testing.T) {
	day := 24 * time.Hour
	now := time.Unix(1e9, 0)
	all := []Kept{
		{"d/a-0000000000000001.ordopack", "a", 1, 10, now.Add(-1 * day), false},
		{"d/b-0000000000000002.ordopack", "b", 1, 20, now.Add(-40 * day), true},
		{"d/b-0000000000000003.ordopack", "b", 1, 30, now.Add(-35 * day), false},
		{"d/c-0000000000000004.ordopack", "c", 1, 40, now.Add(-2 * day), false},
	}
	for _, c := range []struct {
		name string
		p    Prune
		want []string
	}{
		{"nothing", Prune{MaxSize: -1}, nil},
		{"old", Prune{MaxSize: -1, OlderThan: 30 * day}, []string{"3"}},
		{"all that are old", Prune{MaxSize: -1, OlderThan: time.Hour}, []string{"3", "4", "1"}},
		{"a set", Prune{MaxSize: -1, Names: []string{"b"}}, []string{"3"}},
		{"a file", Prune{MaxSize: -1, Names: []string{"a-0000000000000001.ordopack"}}, []string{"1"}},
		{"its stem", Prune{MaxSize: -1, Names: []string{"c-0000000000000004"}}, []string{"4"}},
		{"its path", Prune{MaxSize: -1, Names: []string{"d/c-0000000000000004.ordopack"}}, []string{"4"}},
		{"of another folder", Prune{MaxSize: -1, Names: []string{"e/c-0000000000000004.ordopack"}}, nil},
		{"one in use", Prune{MaxSize: -1, Names: []string{"b-0000000000000002"}}, nil},
		{"too much", Prune{MaxSize: 75}, []string{"3"}},
		{"nothing may stay", Prune{}, []string{"3", "4", "1"}},
		{"enough", Prune{MaxSize: 100}, nil},
		{"old, and too much", Prune{MaxSize: 30, OlderThan: 30 * day}, []string{"3", "4"}},
	} {
		c.p.Now = now
		var got []string
		for _, k := range c.p.Choose(all) {
			got = append(got, k.File[len(k.File)-len("1.ordopack"):][:1])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := Called(all, []string{"a", "x", "b-0000000000000002"}); !slices.Equal(got, []string{"x"}) {
		t.Errorf("missing %v", got)
	}
}
