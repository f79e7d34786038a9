package report

import (
	"fmt"
	"strconv"
	"strings"

	"ordo/runner/bench/pipeline"
	"ordo/runner/data/pack"
	"ordo/runner/machine"
)

// BenchPipeline is what a bench of the way from files to views found: lines, and a table of the operations, with other
// libraries beside them where the result has them.
func BenchPipeline(r pipeline.Result) string {
	var b strings.Builder
	kept := "in memory"
	if r.Kept == pack.KindPacked {
		kept = fmt.Sprintf("packed into %s (%s)", r.Packed, machine.Bytes(r.Bytes))
	}
	line(&b, "data", "%d training images of %s, %s", r.Images, r.Source, kept)
	line(&b, "decode", "%.4g images/s on one worker, %.4g on all %d", r.Decode.One, r.Decode.All, r.Workers)
	line(&b, "pack", "%.4g images/s on one worker, %.4g on all", r.Pack.One, r.Pack.All)
	line(&b, "open", "%s; first epoch read in %s", Seconds(r.Open), Seconds(r.FirstEpoch))
	line(&b, "read", "%.4g images/s (%.3g GB/s) on one worker, %.4g (%.3g GB/s) on all",
		r.Read.One, r.ReadBytes.One, r.Read.All, r.ReadBytes.All)
	memory := machine.Bytes(r.Memory) + " at most"
	if r.Anonymous > 0 {
		memory += ", " + machine.Bytes(r.Anonymous) + " of it not backed by a file"
	}
	line(&b, "memory", "%s", memory)
	line(&b, "processor", "%s", r.CPU)
	writeOperations(&b, r, writeLibraries(&b, r.Beside))
	return b.String()
}

// writeLibraries says which libraries there are, and lists those that have a column in the table.
func writeLibraries(b *strings.Builder, l *pipeline.Libraries) (columns []string) {
	if l == nil {
		return nil
	}
	switch {
	case l.Missing != "":
		line(b, "beside", "%s", l.Missing)
	case l.Torchvision == "":
		line(b, "beside", "Python %s has no torchvision", l.Python)
	default:
		line(b, "beside", "torchvision %s, Python %s, one thread", l.Torchvision, l.Python)
		columns = append(columns, "torchvision")
	}
	if l.Albumentations != "" {
		line(b, "", "Albumentations %s", l.Albumentations)
		columns = append(columns, "albumentations")
	}
	return columns
}

func writeOperations(b *strings.Builder, r pipeline.Result, libraries []string) {
	fmt.Fprintf(b, "\nviews/s of %d x %d pixels\n%-22s%12s%12s%12s", r.ImageSize, r.ImageSize,
		"operation", "one worker", "all", "by itself")
	for _, library := range libraries {
		fmt.Fprintf(b, "%16s%8s", library, "ratio")
	}
	b.WriteString("\n")
	for _, op := range r.Operations {
		own := ""
		if op.Microseconds > 0 {
			own = Seconds(op.Microseconds / 1e6)
		}
		fmt.Fprintf(b, "%-22s%12s%12s%12s", op.Name, digits(op.Views.One), digits(op.Views.All), own)
		for _, library := range libraries {
			other := op.Beside[library]
			if other.Missing != "" {
				fmt.Fprintf(b, "%16s%8s", "-", "")
				continue
			}
			fmt.Fprintf(b, "%16s%8s", digits(other.Views), fmt.Sprintf("%.2f", other.Ratio))
		}
		b.WriteString("\n")
	}
}

// digits writes a number of things in a second without decimals that mean nothing.
func digits(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
