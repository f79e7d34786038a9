package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExportMetrics(t *testing.T) {
	run := evaluated(t)
	root := filepath.Dir(run)
	table := ordo(t, "export-metrics", root, "--format", "csv")
	table.check(t, exitOK)
	rows, err := csv.NewReader(strings.NewReader(table.stdout)).ReadAll()
	if err != nil || strings.Join(rows[0], " ") != "run step epoch name value" || rows[1][0] != run {
		t.Fatalf("%v: %.300s", err, table.stdout)
	}
	names := map[string]bool{}
	for _, row := range rows[1:] {
		names[row[3]] = true
	}
	for _, name := range []string{"loss", "lr", "grad_norm", "terms.ntxent", "evaluation.knn.features",
		"chance.knn.features", "timing.seconds"} {
		if !names[name] {
			t.Errorf("the table lacks %s", name)
		}
	}
	t.Chdir(root)
	ordo(t, "export-metrics", "run", "--format", "csv", "--out", "run.csv").check(t, exitOK)
	if text, err := os.ReadFile("run.csv"); err != nil || string(text) != strings.ReplaceAll(table.stdout, run, "run") {
		t.Errorf("the file is not what is printed, or %v", err)
	}
	for format, file := range map[string]string{
		"tensorboard": filepath.Join("out", "run", "events.out.tfevents.ordo"),
		"wandb":       filepath.Join("out", "run", "history.jsonl"),
	} {
		r := ordo(t, "export-metrics", "run", "--format", format, "--out", "out")
		r.check(t, exitOK)
		if r.stdout != "run: "+file+"\n" {
			t.Errorf("stdout %q", r.stdout)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	ordo(t, "export-metrics", run, filepath.Join("..", filepath.Base(root), "run"), "--format", "wandb", "--out", "twice").
		check(t, exitFailure, "would both be written to")
	ordo(t, "export-metrics", run, "--format", "mlflow").check(t, exitConfig, "track.mlflow.uri", "give --uri")
	t.Setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db")
	ordo(t, "export-metrics", run, "--format", "mlflow", "--uri", "env").check(t, exitConfig, "MLFLOW_TRACKING_URI")
}

func TestExportMetricsErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--format csv", exitUsage, "a run folder is missing"},
		{"x", exitUsage, "--format is missing"},
		{"x --format xls", exitUsage, "--format must be one of"},
		{"x --format wandb", exitUsage, "--out is missing"},
		{"x --format csv --out x.txt", exitUsage, ".csv"},
		{"x --format csv --uri http://x", exitUsage, "are for --format mlflow"},
		{"x --format mlflow --out x", exitUsage, "exclude each other"},
		{"x --format mlflow --uri x", exitUsage, "--uri: must be an address"},
		{t.TempDir() + " --format csv", exitData, "there is no run"},
		{"none --format csv", exitFailure, "none"},
	} {
		ordo(t, append([]string{"export-metrics"}, strings.Fields(c.args)...)...).check(t, c.code, c.says)
	}
}
