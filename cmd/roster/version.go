package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct {
	outputFlag
}

// Help is shown by --help.
func (versionCommand) Help() string {
	return `Examples:

  roster version
  roster version --output json
`
}

// versionInfo is what programs are told.
type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints one line.
func (v *versionCommand) Run(o outputs) error {
	if v.json() {
		return printJSON(o.out, versionInfo{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(o.out, "roster %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version is what the build knows: a release, else the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "development", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	return revision + modified
}
