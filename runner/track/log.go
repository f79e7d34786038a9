package track

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ordo/models/fault"
)

// Warning stands before what the screen warns of, and before what Log is to take for a warning.
const Warning = "warning: "

// newLogger writes slog's text, a line a record: time=… level=INFO msg="…". What a message holds can't look like
// another record, for it is quoted.
func newLogger(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				a.Value = slog.StringValue(a.Value.Time().UTC().Format("2006-01-02T15:04:05Z"))
			}
			return a
		},
	})
}

// Log appends a record to log.txt: a warning if the text begins with Warning.
func (f *Folder) Log(text string) error {
	level := slog.LevelInfo
	text, warns := strings.CutPrefix(text, Warning)
	if warns {
		level = slog.LevelWarn
	}
	return fault.Writing(f.path(logFile), f.logger.Handle(context.Background(), slog.NewRecord(time.Now(), level, text,
		0)))
}

// Warnings lists what log.txt warns of: each sentence once, in the order of their first time; of one with several lines
// the first. All processes that worked on the run have written there.
func (f *Folder) Warnings() ([]string, error) {
	text, err := os.ReadFile(f.path(logFile))
	if err != nil {
		return nil, fault.New(fault.Storage, "read what the run warned of: %w", err)
	}
	all := []string{}
	for line := range strings.Lines(string(text)) {
		_, said, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ") // after the time
		said, ok := strings.CutPrefix(said, "level=WARN msg=")
		if !ok {
			continue
		}
		if plain, err := strconv.Unquote(said); err == nil {
			said = plain
		}
		if said, _, _ = strings.Cut(said, "\n"); !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	return all, nil
}
