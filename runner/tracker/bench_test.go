package tracker

import (
	"net"
	"testing"

	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// BenchmarkStep is what a step's line costs the run: alone, and beside an event file and a server that takes
// connections and never answers.
func BenchmarkStep(b *testing.B) {
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	for _, c := range []struct {
		name      string
		overrides []string
	}{
		{"alone", nil},
		{"beside", []string{"track.tensorboard=true", "track.mlflow.uri=http://" + listener.Addr().String()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			folder := openFolder(b, runDir(b))
			told, err := New(experiment(b, c.overrides...), mlflow.Environment{})
			if err != nil {
				b.Fatal(err)
			}
			told.pace.patience = quick.first
			if err := told.Start(folder.Dir(), folder.Began()); err != nil {
				b.Fatal(err)
			}
			line := track.Step{Loss: 1, Terms: map[string]float64{"order": 1, "ntxent": 2, "order/accuracy": 3}}
			for b.Loop() {
				line.Step++
				if err := folder.Step(line); err != nil {
					b.Fatal(err)
				}
				told.TakeNotes()
			}
			b.StopTimer()
			told.Stop(nil)
		})
	}
}
