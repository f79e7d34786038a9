package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pageOf reads a page, which must hold texts.
func pageOf(t *testing.T, file string, texts ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range texts {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not hold %q", file, want)
		}
	}
	return string(text)
}

func TestReportPage(t *testing.T) {
	run := evaluated(t)
	own := filepath.Join(run, "report.html")
	pageOf(t, own, `<section id="maps">`, `<section id="neighbours">`, "finished, epoch 1 of 1") // of the run's end
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	r := ordo(t, "report", run, "--images", "20")
	r.check(t, exitOK)
	if !strings.HasPrefix(r.stdout, own+" (") {
		t.Errorf("stdout %q", r.stdout)
	}
	html := pageOf(t, own, `<section id="maps">`, `<section id="paths">`, `<section id="views">`)
	t.Chdir(t.TempDir())
	ordo(t, "report", run, run, "--images", "0").check(t, exitOK, "no images were asked for")
	pageOf(t, "report.html", "2 runs side by side", "no images were asked for")
	again := filepath.Join(t.TempDir(), "again.html")
	ordo(t, "report", run, "--images", "20", "--out", again).check(t, exitOK)
	if pageOf(t, again) != html {
		t.Error("the page of the same run has other bytes")
	}
	if err := os.WriteFile(filepath.Join(run, "result.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	ordo(t, "report", run).check(t, exitData, "result.json is damaged")
	pageOf(t, own, "result.json is damaged", "the run is not finished")
}

func TestReportErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "a run folder is missing"},
		{[]string{t.TempDir()}, exitData, "there is no run in"},
		{[]string{"x", "--out", "x.pdf"}, exitUsage, ".html"},
		{[]string{"x", "--images", "-1"}, exitUsage, "--images"},
	} {
		ordo(t, append([]string{"report"}, c.args...)...).check(t, c.code, c.says)
	}
}
