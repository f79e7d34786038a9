package install

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"ordo/models/fault"
)

// copyGoal is the Maven goal that resolves one artifact and copies it into a folder, its version pinned.
const copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// fetch gets the platform's jar with the mvn client into the new folder dir, checks it and returns its path. The client
// uses its own settings: mirrors, proxies, credentials, its local repository.
func fetch(ctx context.Context, p platform, dir string) (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fault.New(fault.Library, "the Maven client mvn was not found").
			Advise("install Maven, or get %s elsewhere", p.jarName()).With(p.from("JAR"))
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fault.Writing(lasting(dir), err)
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
		return "", interrupted(ctx)
	}
	if err != nil {
		return "", fault.New(fault.Library, "mvn could not fetch %s (%s)", p.coordinates(), mavenFault(out.String(), err)).
			Advise("see to its network and settings, or get %s elsewhere", p.jarName()).With(p.from("JAR"))
	}
	jar := filepath.Join(dir, p.jarName())
	info, err := os.Stat(jar)
	if err != nil {
		return "", fault.New(fault.Library, "mvn ended without giving %s", p.jarName()).
			Advise("run mvn by hand to see why, or get it elsewhere").With(p.from("JAR"))
	}
	err = checkJar(ctx, p, jar, info.Size())
	if errors.Is(err, fault.Library) {
		return "", fault.New(fault.Library, "what mvn gave is not the pinned release %s (SHA-256 or size differ)",
			p.coordinates()).
			Advise("delete its copy in the local repository (~/.m2/repository/org/bytedeco/%s), check the mirror and run it "+
				"again", p.product.artifact)
	}
	return jar, err
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
