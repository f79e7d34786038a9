package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// copyGoal is the Maven goal that resolves one artifact and copies it into a folder, its version pinned.
const copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// fetch gets the platform's jar with the mvn client into the new folder dir, checks it and returns its path. The client
// uses its own settings: mirrors, proxies, credentials, its local repository.
func fetch(ctx context.Context, p platform, dir string) (string, error) {
	offline := p.product.offline
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", unfit(err, "the Maven client mvn was not found: install Maven, or get %s elsewhere and run %s",
			p.jarName(), offline)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-Dstyle.color=never", copyGoal,
		"-Dartifact="+p.coordinates(), "-DoutputDirectory="+dir)
	cmd.Dir = dir // not where the user is: a pom.xml there is none of our business
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("install: fetch %s: %w", p.coordinates(), context.Cause(ctx))
	}
	if err != nil {
		return "", unfit(err, "mvn could not fetch %s (%s): see to its network and settings, or get %s elsewhere and run %s",
			p.coordinates(), mavenFault(out.String(), err), p.jarName(), offline)
	}
	jar := filepath.Join(dir, p.jarName())
	info, err := os.Stat(jar)
	if err != nil {
		return "", unfit(nil, "mvn ended without giving %s: run mvn by hand to see why, or get it elsewhere and run %s",
			p.jarName(), offline)
	}
	if err := checkJar(ctx, p, jar, info.Size()); err != nil {
		if errors.Is(err, ErrUnfit) {
			return "", unfit(err, "what mvn gave is not the pinned release %s (SHA-256 or size differ): delete its copy in "+
				"the local repository (~/.m2/repository/org/bytedeco/%s), check the mirror and run it again",
				p.coordinates(), p.product.artifact)
		}
		return "", err
	}
	return jar, nil
}

var (
	ansiEscape = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	helpNumber = regexp.MustCompile(`\s*->\s*\[Help \d+\]\s*$`)
)

// mavenFault picks the line of mvn's output that says what went wrong: the first error, for those after it only say how
// to learn more; else the last line, as when mvn itself does not start; else how the process ended.
func mavenFault(output string, err error) string {
	var last string
	for line := range strings.Lines(ansiEscape.ReplaceAllString(output, "")) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "[ERROR]"); ok && strings.TrimSpace(text) != "" {
			return helpNumber.ReplaceAllString(strings.TrimSpace(text), "")
		}
		if line != "" {
			last = line
		}
	}
	if last != "" {
		return last
	}
	return err.Error()
}
