package main

import (
	"encoding/json"
	"errors"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damaged is a folder with two images that can't be decoded, one of which has a header.
func damaged(t *testing.T) string {
	t.Helper()
	return pictures(t, func(dir string) error {
		raw, err := os.ReadFile(filepath.Join(dir, "train/a/1.png"))
		return errors.Join(err, os.WriteFile(filepath.Join(dir, "train/a/5.png"), raw[:len(raw)-14], 0o600),
			os.WriteFile(filepath.Join(dir, "test/b/6.webp"), []byte("dear diary"), 0o600))
	})
}

func TestDataInfo(t *testing.T) {
	root := damaged(t)
	sheet := filepath.Join(t.TempDir(), "s.png")
	r := ordo(t, "data", "info", "data.source=folder", "data.root="+root, "--sheet", sheet)
	r.check(t, exitOK)
	for _, s := range []string{
		"folder in " + root, "images                                 3                       3", "20 – 20 – 20", "PNG",
		"duplicates: 4 images are equal to others, in 1 group, 1 of them across the splits\n" +
			"  train/a/1.png = train/b/2.png = test/a/3.png = test/b/4.png\n",
		"unreadable:\n  test/b/6.webp: ", "6.webp: not an image of a known format (begins with 64 65 61 72)",
		"class (2)                                        train      test\n" +
			"a                                                    2         1\n", "sheet: " + sheet,
	} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	checkPNG(t, sheet)

	r = ordo(t, "data", "info", experiment(t, tiny), "data.images=36", "--json")
	r.check(t, exitOK)
	var found dataInfo
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&found); err != nil {
		t.Fatal(err)
	}
	if found.Source != "orchard" || found.Train.Images != 36 || found.Test.Images != 24 ||
		len(found.Classes) != 12 || found.Classes[0].Train != 3 ||
		found.Train.Width.Median != 16 || len(found.Train.Key) != 32 {
		t.Errorf("found %+v", found)
	}
}

// TestDataSaysWhatIsLeftOut: also to programs, and what was found below the root.
func TestDataSaysWhatIsLeftOut(t *testing.T) {
	root := pictures(t, func(dir string) error { return os.WriteFile(filepath.Join(dir, "train/a/x.npy"), nil, 0o600) })
	for _, command := range []string{"info", "verify"} {
		r := ordo(t, "data", command, "data.source=folder", "data.root="+root)
		r.check(t, exitOK)
		if !strings.Contains(r.stdout+r.stderr, "1 .npy") {
			t.Errorf("%s says nothing:\n%s%s", command, r.stdout, r.stderr)
		}
		r = ordo(t, "data", command, "data.source=folder", "data.root="+root, "--json")
		var found struct {
			Folder  string         `json:"folder"`
			LeftOut map[string]int `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || found.LeftOut[".npy"] != 1 ||
			command == "info" && found.Folder != root {
			t.Errorf("%s: %+v, %v", command, found, err)
		}
	}
}

func checkPNG(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := png.Decode(f); err != nil || m.Bounds().Dx() < 300 {
		t.Errorf("%s: %v", path, err)
	}
}

func TestDataVerify(t *testing.T) {
	root := damaged(t)
	r := ordo(t, "data", "verify", "data.source=folder", "data.root="+root)
	r.check(t, exitData, "2 of 6 images can't be read: remove or replace them, or set data.on_error to skip")
	for _, s := range []string{"  train/a/5.png: ", "a PNG image that is cut off",
		"  test/b/6.webp: ", "6 images, 2 unreadable\n"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	r = ordo(t, "data", "verify", "data.source=folder", "data.root="+root, "--json")
	r.check(t, exitData)
	var found dataVerified
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || found.Images != 6 ||
		len(found.Unreadable) != 2 || found.Unreadable[1].Split != "test" {
		t.Errorf("%+v, %v", found, err)
	}
	r = ordo(t, "data", "verify", experiment(t, tiny))
	r.check(t, exitOK)
	if r.stdout != "48 images, 0 unreadable\n" {
		t.Errorf("stdout %q", r.stdout)
	}
}

func TestDataRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"data inf", exitUsage, "did you mean info?"},
		{"data info", exitUsage, "an experiment file, or data.KEY=VALUE, is missing"},
		{"data verify", exitUsage, "an experiment file, or data.KEY=VALUE, is missing"},
		{"data info x.yaml --split valid", exitUsage, "train, test"},
		{"data info " + missing, exitConfig, missing},
		{"data info data.sorce=folder", exitConfig, "data.source"},
		{"data info data.source=folder", exitConfig, "data.root"},
		{"data info data.boxes=true", exitConfig, "only cub200 has it"},
		{"data info data.source=cub200 data.root=" + missing, exitData, missing},
		{"data verify data.source=list data.root=" + missing, exitData, missing},
		{"data info data.images=1 --sheet " + missing + "/x.png", exitStorage, missing},
	} {
		ordo(t, strings.Fields(c.args)...).check(t, c.code, c.says)
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestDataExport(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r := ordo(t, "data", "export", experiment(t, tiny), "data.images=36", "--out", out)
	r.check(t, exitOK)
	if !strings.Contains(r.stdout, "36 training and 24 test images: "+out) {
		t.Error(r.stdout)
	}
	i := ordo(t, "data", "info", "data.source=folder", "data.root="+out)
	i.check(t, exitOK)
	if !strings.Contains(i.stdout, "class (12)") || !strings.Contains(i.stdout, "JPEG") {
		t.Error(i.stdout)
	}
	ordo(t, "data", "export", experiment(t, tiny), "--out", out).check(t, exitFailure, "not empty")
	ordo(t, "data", "export", experiment(t, tiny)).check(t, exitUsage, "--out is missing")
	ordo(t, "data", "export", experiment(t, tiny), "--out", out, "--quality", "0").
		check(t, exitUsage, "--quality must be in [1, 100]")
}
